import type { ProjectStatus } from "../../api/index.ts";
import { containerFields } from "../container-fields.ts";
import { labelOf } from "../docker/format/listing.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { type ContainerRow, composeLabel, nameOf, projectContainers, serviceOf } from "../project-containers.ts";
import { projectName } from "../project-name.ts";
import { namedProject } from "../project-source.ts";
import { columns } from "../render/columns.ts";
import { formatRows } from "../render/format-rows.ts";

export interface PsOptions {
  readonly all?: boolean;
  readonly filter?: readonly string[];
  readonly format?: string;
  readonly trunc: boolean;
  readonly orphans?: boolean;
  readonly quiet?: boolean;
  readonly services?: boolean;
  readonly status?: readonly string[];
}

const states = ["paused", "restarting", "removing", "running", "dead", "created", "exited"];

/** `berth ps`: the containers of a project; a wanted status shows stopped ones too. */
export async function ps(cli: Invocation, services: readonly string[], options: PsOptions): Promise<void> {
  const format = options.format ?? "table";
  const wanted = wantedStates(options);
  const found = await projectContainers(await cli.engine(), {
    project: projectName(cli),
    all: options.all === true || wanted.length > 0,
    oneOff: options.all === true,
    services,
    signal: cli.signal,
  });
  const known = options.orphans !== false ? undefined : Object.keys((await namedProject(cli, services)).project?.services ?? {});
  const rows = found.filter(
    (row) => (wanted.length === 0 || wanted.includes(row.State)) && (known === undefined || known.includes(serviceOf(row))),
  );
  if (options.quiet)
    printAll(
      cli,
      rows.map((row) => row.Id),
    );
  else if (options.services) printAll(cli, [...new Set(rows.map(serviceOf))]);
  else if (format !== "table")
    printAll(
      cli,
      formatRows(
        format,
        rows.map((row) => psRow(row, options.trunc, Date.now())),
      ),
    );
  else {
    cli.print(table(rows.map((row) => psRow(row, options.trunc, Date.now()))));
    await showWatch(cli);
  }
}

/** Below the table, for people: whether sources are watched, and what that did last. */
async function showWatch(cli: Invocation): Promise<void> {
  const all = await (await cli.engine()).json<ProjectStatus[]>("GET", "/projects", { signal: cli.signal });
  const watch = all.find((project) => project.name === projectName(cli))?.watch;
  if (watch?.on) cli.stderr.write(`\nwatching the sources${watch.last ? `; last: ${watch.last}` : ""}\n`);
}

function wantedStates(options: PsOptions): string[] {
  const filtered = (options.filter ?? []).map((text) => {
    if (!text.startsWith("status=")) throw usageError(`invalid --filter "${text}"`, "It is status=STATE.");
    return text.slice("status=".length);
  });
  const wanted = [...filtered, ...(options.status ?? [])];
  const unknown = wanted.find((state) => !states.includes(state));
  if (unknown !== undefined) throw usageError(`there is no status "${unknown}"`, `It is one of ${states.join(", ")}.`);
  return wanted;
}

/** What Compose's templates and JSON know of a container beyond Docker's fields. */
export function psRow(row: ContainerRow, truncate: boolean, nowMs: number) {
  return {
    ...containerFields(row, truncate, nowMs),
    ExitCode: Number(/\((\d+)\)/.exec(row.Status)?.[1] ?? 0),
    Label: labelOf(row.Labels),
    Health: /\((?:health: )?(starting|healthy|unhealthy)\)/.exec(row.Status)?.[1] ?? "",
    Name: nameOf(row),
    Project: row.Labels[composeLabel("project")] ?? "",
    Publishers: row.Ports.map((port) => ({
      URL: port.IP ?? "",
      TargetPort: port.PrivatePort,
      PublishedPort: port.PublicPort ?? 0,
      Protocol: port.Type ?? "tcp",
    })),
    Service: serviceOf(row),
    Size: "0B",
  };
}

function table(rows: readonly ReturnType<typeof psRow>[]): string {
  const head = ["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"];
  return columns([head, ...rows.map((row) => [row.Name, row.Image, row.Command, row.Service, row.RunningFor, row.Status, row.Ports])], {
    least: 10,
  });
}

function printAll(cli: Invocation, lines: readonly string[]): void {
  if (lines.length > 0) cli.print(lines.join("\n"));
}
