import { type Invocation, usageError } from "../invocation.ts";
import { composeLabel } from "../project-containers.ts";
import { namedProject } from "../project-source.ts";
import { columns } from "../render/columns.ts";
import { formatRows } from "../render/format-rows.ts";
import { requireServices } from "../service-names.ts";

interface VolumeRow {
  readonly Name: string;
  readonly Driver: string;
  readonly Mountpoint: string;
  readonly Scope: string;
  readonly Labels: Readonly<Record<string, string>> | null;
}

/** `berth volumes`: the volumes of the project, or those that some of its services use. */
export async function volumes(
  cli: Invocation,
  services: readonly string[],
  flags: { readonly format: string; readonly quiet?: boolean },
): Promise<void> {
  const { name, project } = await namedProject(cli, services);
  if (services.length > 0 && !project)
    throw usageError(
      "without a Compose file it is not known which volumes a service uses",
      "Leave the services out, or give the file with -f.",
    );
  if (project) requireServices(project, services);
  const filters = JSON.stringify({ label: [`${composeLabel("project")}=${name}`] });
  const { Volumes } = await (await cli.engine()).json<{ Volumes: VolumeRow[] | null }>("GET", "/volumes", {
    query: { filters },
    signal: cli.signal,
  });
  const used = new Set(
    services
      .flatMap((service) => project?.services[service]?.volumes ?? [])
      .map((mount) => project?.volumes[mount.source ?? ""]?.name ?? mount.source),
  );
  const rows = (Volumes ?? [])
    .filter((volume) => services.length === 0 || used.has(volume.Name))
    .sort((a, b) => (a.Name < b.Name ? -1 : 1))
    .map(volumeRow);
  if (flags.quiet) for (const row of rows) cli.print(row.Name);
  else if (flags.format === "table")
    cli.print(columns([["DRIVER", "VOLUME NAME"], ...rows.map((row) => [row.Driver, row.Name])], { least: 10 }));
  else for (const line of formatRows(flags.format, rows)) cli.print(line);
}

/** Under the names of `docker compose volumes --format json`. */
function volumeRow(volume: VolumeRow) {
  return {
    Availability: "N/A",
    Driver: volume.Driver,
    Group: "N/A",
    Labels: Object.entries(volume.Labels ?? {})
      .map(([name, value]) => `${name}=${value}`)
      .join(","),
    Links: "N/A",
    Mountpoint: volume.Mountpoint,
    Name: volume.Name,
    Scope: volume.Scope,
    Size: "N/A",
    Status: "N/A",
  };
}
