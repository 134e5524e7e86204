import type { ProjectStatus } from "../../api/index.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { type ContainerRow, composeLabel, nameOf, type PortRow, projectContainers, serviceOf } from "../project-containers.ts";
import { projectName } from "../project-name.ts";
import { namedProject } from "../project-source.ts";
import { columns, ellipsis } from "../render/columns.ts";
import { formatRows } from "../render/format-rows.ts";
import { goTime, humanDuration } from "../render/human-time.ts";

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

/** A container under the names that `docker compose ps --format json` gives its properties. */
export function psRow(row: ContainerRow, truncate: boolean, nowMs: number) {
  const command = `"${truncate ? ellipsis(row.Command, 20) : row.Command}"`;
  const mounts = row.Mounts.map((mount) => (mount.Type === "volume" && mount.Name ? mount.Name : mount.Source));
  return {
    Command: command,
    CreatedAt: goTime(row.Created),
    ExitCode: Number(/\((\d+)\)/.exec(row.Status)?.[1] ?? 0),
    Health: /\((?:health: )?(starting|healthy|unhealthy)\)/.exec(row.Status)?.[1] ?? "",
    ID: truncate ? row.Id.slice(0, 12) : row.Id,
    Image: row.Image,
    Labels: Object.entries(row.Labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(","),
    LocalVolumes: String(row.Mounts.filter((mount) => mount.Type === "volume").length),
    Mounts: mounts.map((mount) => (truncate ? ellipsis(mount, 15) : mount)).join(","),
    Name: nameOf(row),
    Names: nameOf(row),
    Networks: Object.keys(row.NetworkSettings.Networks).join(","),
    Ports: portsText(row.Ports),
    Project: row.Labels[composeLabel("project")] ?? "",
    Publishers: row.Ports.map((port) => ({
      URL: port.IP ?? "",
      TargetPort: port.PrivatePort,
      PublishedPort: port.PublicPort ?? 0,
      Protocol: port.Type ?? "tcp",
    })),
    RunningFor: `${humanDuration(nowMs - row.Created * 1000)} ago`,
    Service: serviceOf(row),
    Size: "0B",
    State: row.State,
    Status: row.Status,
  };
}

function table(rows: readonly ReturnType<typeof psRow>[]): string {
  const head = ["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"];
  return columns([head, ...rows.map((row) => [row.Name, row.Image, row.Command, row.Service, row.RunningFor, row.Status, row.Ports])], {
    least: 10,
  });
}

/** "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 443/tcp" */
export function portsText(ports: readonly PortRow[]): string {
  return ports
    .map((port) => {
      const inside = `${port.PrivatePort}/${port.Type ?? "tcp"}`;
      if (!port.PublicPort) return inside;
      const host = port.IP?.includes(":") ? `[${port.IP}]` : (port.IP ?? "");
      return `${host}:${port.PublicPort}->${inside}`;
    })
    .join(", ");
}

function printAll(cli: Invocation, lines: readonly string[]): void {
  if (lines.length > 0) cli.print(lines.join("\n"));
}
