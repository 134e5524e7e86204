import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "./engines.ts";
import type { Row } from "./images.ts";

const files = 5000;

/**
 * From a saved file to what can be seen of it: `sync` (visible in the container), `sync+restart` and `rebuild` (the new process has written what it
 * read to a directory of this machine), and 5,000 files at once. Each engine watches alone, with its own watch running all the time.
 */
export async function watchRows(engines: readonly Engine[], o: { directory: string; runs: number }): Promise<Row[]> {
  const rows: Row[] = [];
  const row = (what: string): Row => {
    const made: Row = { what, unit: "ms", samples: {} };
    rows.push(made);
    return made;
  };
  const [sync, slowest, restart, rebuild, many] = [
    row("watch: sync, saved to visible, median"),
    row("watch: sync, saved to visible, 95th percentile"),
    row("watch: sync+restart, saved to read by the new process"),
    row("watch: rebuild, saved to read by the new container"),
    row(`watch: ${files} files at once`),
  ];
  for (const engine of engines) {
    const project = makeProject(join(o.directory, `watch-${engine.name}`), engine.name);
    const watch = await project.start(engine);
    try {
      const latencies: number[] = [];
      for (let run = 0; run < o.runs * 8; run++) latencies.push(await project.sync(`v${run}`));
      add(sync, engine, latencies);
      add(slowest, engine, [[...latencies].sort((a, b) => a - b)[Math.floor(latencies.length * 0.95)] ?? Number.NaN]);
      for (let run = 0; run < o.runs; run++) add(restart, engine, [await project.seen("restart", `r${run}`)]);
      for (let run = 0; run < o.runs; run++) add(rebuild, engine, [await project.seen("rebuild", `b${run}`)]);
      for (let run = 0; run < Math.min(o.runs, 3); run++) add(many, engine, [await project.many(`m${run}`)]);
    } finally {
      await watch();
      await engine.compose(["down", "-t", "0"], project.directory);
      rmSync(project.directory, { recursive: true, force: true });
    }
  }
  return rows;
}

function add(row: Row, engine: Engine, samples: readonly number[]): void {
  row.samples[engine.name] = [...(row.samples[engine.name] ?? []), ...samples];
}

function makeProject(directory: string, name: string) {
  const write = (path: string, text: string) => writeFileSync(join(directory, path), text);
  for (const path of ["sync", "restart", "rebuild", "out"]) mkdirSync(join(directory, path), { recursive: true });
  for (const path of ["sync", "restart", "rebuild"]) write(`${path}/v`, "first");
  for (let file = 0; file < files; file++) {
    mkdirSync(join(directory, `sync/d${file % 50}`), { recursive: true });
    write(`sync/d${file % 50}/f${file}`, "first");
  }
  const service = (kind: string, action: string, target: string) => `  ${kind}:
    build: {context: ., dockerfile_inline: "FROM busybox\\nCOPY ${kind} /app\\n"}
    command: sh -c 'cat /app/v > /out/${kind}; exec sleep 100000'
    stop_signal: SIGKILL
    volumes: ["./out:/out"]
    develop: {watch: [{action: ${action}, path: ./${kind}${target}}]}
`;
  const services = [
    service("sync", "sync", ", target: /app"),
    service("restart", "sync+restart", ", target: /app"),
    service("rebuild", "rebuild", ""),
  ];
  write("compose.yaml", `name: bench-watch-${name}\nservices:\n${services.join("")}`);
  let root = "";
  let said = "";
  let outRoot = "/";
  const read = (path: string) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  };
  return {
    directory,
    /** Up and watching; answers how to end the watch. */
    start: async (engine: Engine): Promise<() => Promise<void>> => {
      // A daemon may have another root than this process: its bind mounts are looked at as it sees them.
      outRoot = `/proc/${engine.pid()}/root`;
      await engine.compose(["up", "-d", "--build"], directory);
      const [program = "", ...args] = engine.composeCommand;
      const child = spawn(program, [...args, "watch", "--no-up"], { cwd: directory, env: engine.env, stdio: ["ignore", "pipe", "pipe"] });
      const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (said += data));
      // Compose says "Watch enabled" once, Berth "watching" for each service.
      await visible(() => /watch enabled/i.test(said) || said.split(": watching").length > 3, `watching; it said ${said}`);
      const inspect = ["inspect", "-f", "{{.State.Pid}}", `bench-watch-${name}-sync-1`];
      root = `/proc/${execFileSync("docker", inspect, { env: engine.env, encoding: "utf8" }).trim()}/root/app`;
      return async () => {
        child.kill("SIGINT");
        await ended;
      };
    },
    sync: (text: string) => {
      write("sync/v", text);
      return visible(() => read(join(root, "v")) === text, "sync");
    },
    seen: (kind: "restart" | "rebuild", text: string) => {
      write(`${kind}/v`, text);
      return visible(() => read(join(outRoot, directory, "out", kind)) === text, `${kind} on ${name}; it said ${said}`);
    },
    many: async (text: string) => {
      const startMs = performance.now();
      for (let file = 0; file < files; file++) write(`sync/d${file % 50}/f${file}`, text);
      for (let file = 0; file < files; file++)
        await visible(() => read(join(root, `d${file % 50}/f${file}`)) === text, `file ${file} of ${files}`);
      return performance.now() - startMs;
    },
  };
}

/** Looks every millisecond; answers how long it took from the call on. */
async function visible(check: () => boolean, what: string): Promise<number> {
  const startMs = performance.now();
  while (!check()) {
    if (performance.now() - startMs > 60_000) throw new Error(`not within a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return performance.now() - startMs;
}
