import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { tarArchive } from "../test/support/busybox-image.ts";
import { testRegistry } from "../test/support/registry.ts";
import { type Engine, timed } from "./engines.ts";

export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly samples: Record<string, number[]>;
}

type Samples = Record<string, number[]>;

/**
 * Builds, transfers and archives, the engines in turn: a rebuild where nothing changed, a cold COPY of 10,000 small files, three stages of
 * which two are independent, a pull of 200 MB from a registry on loopback, save and load, and the engine's memory in a pull of 1 GB. buildah
 * takes part in the builds where it is installed.
 */
export async function imageRows(
  engines: readonly Engine[],
  o: { directory: string; runs: number; wanted: (name: string) => boolean },
): Promise<Row[]> {
  const rows: Row[] = [];
  if (o.wanted("build")) rows.push(...(await builds([...engines, ...(await buildah(o.directory))], o)));
  if (o.wanted("transfer")) rows.push(...(await transfers(engines, o)));
  return rows;
}

type Builder = Pick<Engine, "name" | "docker">;

/** buildah with a store of its own; `docker build` becomes `buildah build --layers`. */
async function buildah(directory: string): Promise<Builder[]> {
  const missing = await new Promise<boolean>((resolve) => {
    const child = spawn("buildah", ["version"], { stdio: "ignore" });
    child.once("error", () => resolve(true));
    child.once("exit", (code) => resolve(code !== 0));
  });
  if (missing) return [];
  const root = ["--root", join(directory, "buildah"), "--runroot", join(directory, "buildah-run")];
  const archive = join(directory, "busybox.tar");
  if (!existsSync(archive)) writeFileSync(archive, (await import("../test/support/busybox-image.ts")).busyboxArchive());
  // A docker configuration directory without a config.json is an error to it.
  const { DOCKER_CONFIG: _, ...env } = process.env;
  await timed("buildah", [...root, "pull", `docker-archive:${archive}`], { env });
  return [
    {
      name: "buildah",
      docker: ([, ...args]) => timed("buildah", [...root, "build", "--layers", "--isolation", "chroot", ...args], { env }),
    },
  ];
}

async function builds(builders: readonly Builder[], o: { directory: string; runs: number }): Promise<Row[]> {
  const [rebuild, cold, stages]: Samples[] = [{}, {}, {}];
  const same = contextOf(join(o.directory, "rebuild"), 500, [
    "FROM busybox AS b",
    "WORKDIR /app",
    "COPY . .",
    "RUN find . | wc -l > /n",
    "FROM busybox",
    "COPY --from=b /app /app",
    'CMD ["x"]',
  ]);
  const busy = "RUN i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo done > /o";
  const three = contextOf(join(o.directory, "stages"), 50, [
    "FROM busybox AS a",
    "COPY . /s",
    busy,
    "FROM busybox AS b",
    "COPY . /s",
    `${busy}b`,
    "FROM busybox",
    "COPY --from=a /o /a",
    "COPY --from=b /ob /b",
  ]);
  for (const builder of builders) await builder.docker(["build", "-t", "bench-same", same]);
  for (let run = 0; run <= o.runs; run += 1) {
    for (const builder of builders) {
      // A directory for each run: a file system without a journal is slow to make files for a while after as many were deleted.
      const fresh = contextOf(join(o.directory, `cold-${builder.name}-${run}`), 10_000, ["FROM busybox", "COPY . /app"]);
      const samples: [Samples, number][] = [
        [rebuild ?? {}, await builder.docker(["build", "-t", "bench-same", same])],
        [cold ?? {}, await builder.docker(["build", "-t", "bench-cold", fresh])],
        [stages ?? {}, await builder.docker(["build", "--no-cache", "-t", "bench-stages", three])],
      ];
      if (run > 0) for (const [where, ms] of samples) push(where, builder.name, ms);
    }
  }
  return [
    { what: "build where nothing changed, 500 files, two stages", unit: "ms", samples: rebuild ?? {} },
    { what: "cold COPY of 10,000 small files", unit: "ms", samples: cold ?? {} },
    { what: "three stages, two of them independent, no cache", unit: "ms", samples: stages ?? {} },
  ];
}

async function transfers(engines: readonly Engine[], o: { directory: string; runs: number }): Promise<Row[]> {
  await using registry = await testRegistry();
  const [pulls, saves, loads, memory, building]: Samples[] = [{}, {}, {}, {}, {}];
  const archive = join(o.directory, "saved.tar");
  const medium = await imported(engines[0], registry.host, o.directory, "medium", 200 << 20);
  const large = await imported(engines[0], registry.host, o.directory, "large", 1 << 30);
  for (let run = 0; run <= o.runs; run += 1) {
    for (const engine of engines) {
      await engine.docker(["rmi", "-f", medium]).catch(() => 0);
      const pull = await engine.docker(["pull", "-q", medium]);
      const save = await engine.docker(["save", "-o", archive, medium]);
      await engine.docker(["rmi", "-f", medium]);
      const load = await engine.docker(["load", "-q", "-i", archive]);
      if (run === 0) continue; // warm-up
      push(pulls ?? {}, engine.name, pull);
      push(saves ?? {}, engine.name, save);
      push(loads ?? {}, engine.name, load);
    }
  }
  for (const engine of engines) {
    await engine.docker(["rmi", "-f", large]).catch(() => 0);
    push(memory ?? {}, engine.name, await peakMb(engine, () => engine.docker(["pull", "-q", large])));
    await engine.docker(["rmi", "-f", large]);
    const context = join(o.directory, `large-${engine.name}`);
    mkdirSync(context);
    await pipeline(blocks(1 << 30), createWriteStream(join(context, "blob")));
    writeFileSync(join(context, "Dockerfile"), "FROM busybox\nCOPY blob /a\nRUN cat /a > /b\n");
    push(building ?? {}, engine.name, await peakMb(engine, () => engine.docker(["build", "-q", "-t", "bench-large", context])));
    await engine.docker(["rmi", "-f", "bench-large"]);
    rmSync(context, { recursive: true });
  }
  return [
    { what: "pull of 200 MB from loopback", unit: "ms", samples: pulls ?? {} },
    { what: "save of 200 MB", unit: "ms", samples: saves ?? {} },
    { what: "load of 200 MB", unit: "ms", samples: loads ?? {} },
    { what: "engine's resident memory in a pull of 1 GB, at its highest", unit: "MB", samples: memory ?? {} },
    { what: "the same in a build with a file of 1 GB, copied and read", unit: "MB", samples: building ?? {} },
  ];
}

/** An image of that many bytes in files of 1 MB (a quarter of them compressible), pushed to the registry. */
async function imported(engine: Engine | undefined, host: string, directory: string, name: string, bytes: number): Promise<string> {
  const ref = `${host}/${name}:1`;
  const layer = join(directory, `${name}.tar`);
  const parts = async function* () {
    for await (const block of blocks(bytes))
      yield tarArchive([{ name: `f${block.readUInt32LE(0) >> 20}`, data: block }]).subarray(0, -1024);
    yield Buffer.alloc(1024);
  };
  await pipeline(parts(), createWriteStream(layer));
  await engine?.docker(["import", layer, ref]);
  await engine?.docker(["push", "-q", ref]);
  rmSync(layer);
  return ref;
}

/** Blocks of 1 MB, each other than the rest, a quarter of it compressible. */
function* blocks(bytes: number): Generator<Buffer> {
  const block = Buffer.concat([randomBytes(3 << 18), Buffer.alloc(1 << 18, "bench")]);
  for (let at = 0; at < bytes; at += 1 << 20) {
    block.writeUInt32LE(at, 0);
    yield Buffer.from(block);
  }
}

/** The highest resident memory of the engine's process while something is done, looked at every 20 ms. */
async function peakMb(engine: Engine, work: () => Promise<unknown>): Promise<number> {
  let peak = 0;
  const look = setInterval(() => {
    const kb = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${engine.pid()}/status`, "utf8"))?.[1] ?? 0);
    peak = Math.max(peak, kb / 1024);
  }, 20);
  try {
    await work();
  } finally {
    clearInterval(look);
  }
  return peak;
}

/** A context of so many files of about 1 KB in a hundred directories, new each time. */
function contextOf(directory: string, files: number, dockerfile: readonly string[]): string {
  for (let index = 0; index < files; index += 1) {
    const below = join(directory, "src", String(index % 100));
    if (index < 100) mkdirSync(below, { recursive: true });
    writeFileSync(join(below, `${index}.txt`), randomBytes(500).toString("hex"));
  }
  writeFileSync(join(directory, "Dockerfile"), `${dockerfile.join("\n")}\n`);
  execFileSync("sync"); // what was written here is not paid for by the one that is measured next
  return directory;
}

function push(samples: Samples, name: string, value: number): void {
  samples[name] ??= [];
  samples[name].push(value);
}
