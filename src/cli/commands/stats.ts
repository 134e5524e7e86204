import { sleep } from "../../system/index.ts";
import { type EngineClient, EngineError } from "../client/index.ts";
import type { Invocation } from "../invocation.ts";
import { type ContainerRow, nameOf, projectContainers } from "../project-containers.ts";
import { projectName } from "../project-name.ts";
import { columns } from "../render/columns.ts";
import { formatRows } from "../render/format-rows.ts";
import { Screen } from "../render/screen.ts";
import { type Stats, type StatsRow, statsRow } from "../stats-row.ts";

export interface StatsFlags {
  readonly all?: boolean;
  readonly format?: string;
  readonly stream: boolean;
  readonly trunc: boolean;
}

/** `berth stats`: what the containers use, once a second until Ctrl-C, or once with --no-stream. */
export async function stats(cli: Invocation, services: readonly string[], flags: StatsFlags): Promise<void> {
  const client = await cli.engine();
  const list = () =>
    projectContainers(client, { project: projectName(cli), all: flags.all === true, oneOff: true, services, signal: cli.signal });
  if (!flags.stream) {
    const rows = await Promise.all((await list()).map((row) => once(client, row, cli.signal)));
    cli.print(shown(rows, flags));
    return;
  }
  const live = new Map<string, StatsRow>();
  const followed = new Map<string, Promise<void>>();
  const screen = cli.stdout.isTTY ? new Screen(cli.stdout) : undefined;
  try {
    while (!cli.signal.aborted) {
      const rows = await list();
      for (const row of rows) if (!followed.has(row.Id)) followed.set(row.Id, follow(client, row, live, cli.signal));
      for (const id of live.keys()) if (!rows.some((row) => row.Id === id)) live.delete(id);
      const text = shown([...live.values()], flags);
      if (screen) screen.setBottom(text.split("\n"));
      else if (live.size > 0) cli.print(text);
      await sleep(screen && live.size === 0 ? 100 : 1000, cli.signal);
    }
  } catch (error) {
    if (!cli.signal.aborted) throw error; // Ctrl-C is how it ends
  }
  await Promise.allSettled(followed.values());
}

async function follow(client: EngineClient, row: ContainerRow, live: Map<string, StatsRow>, signal: AbortSignal): Promise<void> {
  try {
    for await (const one of client.lines<Stats>("GET", `/containers/${row.Id}/stats`, { query: { stream: true }, signal }))
      live.set(row.Id, statsRow(row.Id, nameOf(row), one));
  } catch (error) {
    if (!(error instanceof EngineError) && !signal.aborted) throw error; // a container that has gone has no more to tell
  }
}

async function once(client: EngineClient, row: ContainerRow, signal: AbortSignal): Promise<StatsRow> {
  const one = await client.json<Stats>("GET", `/containers/${row.Id}/stats`, { query: { stream: false }, signal });
  return statsRow(row.Id, nameOf(row), one);
}

function shown(rows: readonly StatsRow[], { format = "table", trunc }: StatsFlags): string {
  const full = rows.map((row) => ({ ...row, ID: trunc ? row.Container.slice(0, 12) : row.Container }));
  if (format !== "table") return formatRows(format, full).join("\n");
  const heads = ["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS"];
  const cells = full.map((row) => [row.ID, row.Name, row.CPUPerc, row.MemUsage, row.MemPerc, row.NetIO, row.BlockIO, row.PIDs]);
  return columns([heads, ...cells], { least: 10 });
}
