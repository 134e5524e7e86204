import { EngineError } from "../../client/index.ts";
import { Screen } from "../../render/screen.ts";
import { type Stats, type StatsRow, statsRow } from "../../stats-row.ts";
import { type Call, command, many } from "../command.ts";
import { listFormat } from "../format/format-flag.ts";
import { printListing } from "../format/listing.ts";
import { table } from "../table.ts";

const columns = [
  ["CONTAINER ID", "ID"],
  ["NAME", "Name"],
  ["CPU %", "CPUPerc"],
  ["MEM USAGE / LIMIT", "MemUsage"],
  ["MEM %", "MemPerc"],
  ["NET I/O", "NetIO"],
  ["BLOCK I/O", "BlockIO"],
  ["PIDS", "PIDs"],
] as const;

export const stats = command({
  usage: "[OPTIONS] [CONTAINER...]",
  about: "Display a live stream of container(s) resource usage statistics",
  flags: `
    -a, --all  Show all containers (default shows just running)
    --format string  ${listFormat}
    --no-stream  Disable streaming stats and only pull the first result
    --no-trunc  Do not truncate output
  `,
  arity: [0, many],
  run: async (call) => {
    if (call.flags.on("no-stream")) {
      const rows = await Promise.all((await containersOf(call)).map((one) => sample(call, one)));
      show(call, rows);
      return;
    }
    await follow(call);
  },
});

interface Named {
  readonly Id: string;
  readonly Name: string;
}

/** Those that were named (all of them have to be there), or what runs. */
async function containersOf({ engine, args, flags, signal }: Call): Promise<Named[]> {
  const inspect = (name: string) => engine.json<Named>("GET", `/containers/${encodeURIComponent(name)}/json`, { signal });
  if (args.length > 0) return Promise.all(args.map(inspect));
  const list = await engine.json<{ Id: string; Names: string[] }[]>("GET", "/containers/json", { query: { all: flags.on("all") }, signal });
  return list.map(({ Id, Names }) => ({ Id, Name: Names[0] ?? "" }));
}

async function sample({ engine, flags, signal }: Call, { Id, Name }: Named): Promise<StatsRow> {
  const one = await engine.json<Stats>("GET", `/containers/${Id}/stats`, { query: { stream: false }, signal });
  return shownRow(Id, Name, one, flags.on("no-trunc"));
}

function shownRow(id: string, name: string, stats: Stats, whole: boolean): StatsRow {
  const row = statsRow(id, name.replace(/^\//, ""), stats);
  return whole ? { ...row, ID: id } : row;
}

/** Every second what is known then; those that come and go are noticed where none were named. Ctrl-C is how it ends. */
async function follow(call: Call): Promise<void> {
  const { engine, flags, signal, stdout } = call;
  const live = new Map<string, StatsRow>();
  const followed = new Map<string, Promise<void>>();
  const screen = stdout.isTTY ? new Screen(stdout) : undefined;
  const one = async ({ Id, Name }: Named): Promise<void> => {
    try {
      for await (const stats of engine.lines<Stats>("GET", `/containers/${Id}/stats`, { query: { stream: true }, signal }))
        live.set(Id, shownRow(Id, Name, stats, flags.on("no-trunc")));
    } catch (error) {
      if (!(error instanceof EngineError) && !signal.aborted) throw error;
    }
  };
  try {
    while (!signal.aborted) {
      const list = await containersOf(call);
      for (const container of list) if (!followed.has(container.Id)) followed.set(container.Id, one(container));
      for (const id of live.keys()) if (!list.some((container) => container.Id === id)) live.delete(id);
      const rows = [...live.values()];
      if (screen && flags.text("format") === undefined) screen.setBottom(lines(rows));
      else if (rows.length > 0) show(call, rows);
      await new Promise((resolve) => setTimeout(resolve, rows.length > 0 ? 1000 : 100));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  await Promise.allSettled(followed.values());
}

const show = (call: Call, rows: readonly StatsRow[]) => printListing(call, rows, { columns });

function lines(rows: readonly StatsRow[]): string[] {
  const heads = columns.map(([head]) => head);
  return table(
    heads,
    rows.map((row) => columns.map(([, field]) => row[field])),
  ).split("\n");
}
