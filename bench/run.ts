import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadingTimes } from "./config.ts";
import { berthEngine, dockerEngine, type Engine } from "./engines.ts";
import { imageRows } from "./images.ts";
import { loadRows } from "./load.ts";
import { watchRows } from "./watch.ts";

const runs = Number(/--runs[= ](\d+)/.exec(process.argv.join(" "))?.[1] ?? 5);
const only = process.argv.slice(2).filter((word) => !word.startsWith("--") && !/^\d+$/.test(word));
const wanted = (name: string) => only.length === 0 || only.includes(name);

interface Row {
  readonly what: string;
  readonly unit: string;
  readonly samples: Readonly<Record<string, readonly number[]>>;
}

const rows: Row[] = [];
const directory = mkdtempSync("/var/tmp/bench-projects-");
const engines: Engine[] = [await berthEngine()];
try {
  const docker = await dockerEngine();
  if (docker) engines.push(docker);
  else console.log("No dockerd here (Debian: docker.io and docker-compose): Berth alone.");
  for (const size of [1, 10, 50]) if (wanted(`up-${size}`)) await upAndDown(size);
  if (wanted("run")) await runRm();
  for (const size of [1, 200])
    if (wanted("config")) {
      const samples = loadingTimes(size, { directory, runs, berth: join(dirname(dirname(fileURLToPath(import.meta.url))), "bin/berth") });
      rows.push({ what: `config -q, ${size} services`, unit: "ms", samples });
    }
  rows.push(...(await imageRows(engines, { directory, runs, wanted })));
  if (wanted("watch")) rows.push(...(await watchRows(engines, { directory, runs })));
  // Not among everything: it takes a minute for each engine.
  if (only.includes("load")) rows.push(...(await loadRows(engines, { seconds: 60 })));
  if (wanted("floor")) for (const size of [10, 50]) floor(size);
} finally {
  for (const engine of engines) await engine.close();
  rmSync(directory, { recursive: true, force: true });
}
print();

/** `up -d` and `down` of a project of idle services, the engines in turn; and, while it is up, `ps` and what they hold in memory. */
async function upAndDown(size: number): Promise<void> {
  const project = join(directory, `bench${size}`);
  mkdirSync(project, { recursive: true });
  // SIGKILL: the time to stop is the engine's own, not a grace period.
  const service = (n: number) => `  s${n}:\n    image: busybox\n    command: sleep 100000\n    stop_signal: SIGKILL\n`;
  writeFileSync(join(project, "compose.yaml"), `services:\n${Array.from({ length: size }, (_, n) => service(n + 1)).join("")}`);
  const up: Record<string, number[]> = {};
  const down: Record<string, number[]> = {};
  const list: Record<string, number[]> = {};
  const memory: Record<string, number[]> = {};
  const monitor: Record<string, number[]> = {};
  for (let run = 0; run <= runs; run++) {
    for (const engine of engines) {
      const upMs = await engine.compose(["up", "-d"], project);
      const listMs = await engine.docker(["ps"]);
      const engineMb = residentKb(engine.pid()) / 1024;
      const monitors = monitorKb();
      const downMs = await engine.compose(["down"], project);
      if (run === 0) continue; // warm-up
      push(up, engine.name, upMs);
      push(down, engine.name, downMs);
      push(list, engine.name, listMs);
      push(memory, engine.name, engineMb);
      if (engine.name === "berth") push(monitor, engine.name, monitors / 1024 / size);
    }
  }
  rows.push({ what: `up -d, ${size} services`, unit: "ms", samples: up }, { what: `down, ${size} services`, unit: "ms", samples: down });
  rows.push({ what: `docker ps, ${size} containers`, unit: "ms", samples: list });
  rows.push({ what: `engine's resident memory, ${size} services up`, unit: "MB", samples: memory });
  rows.push({ what: `monitor's private memory per container, ${size} services`, unit: "MB", samples: monitor });
}

/** `run --rm` of `true`, by the docker client on both sockets. */
async function runRm(): Promise<void> {
  const samples: Record<string, number[]> = {};
  for (let run = 0; run <= runs * 2; run++) {
    for (const engine of engines) {
      const ms = await engine.docker(["run", "--rm", "busybox", "true"]);
      if (run > 0) push(samples, engine.name, ms);
    }
  }
  rows.push({ what: "docker run --rm busybox true", unit: "ms", samples });
}

/** The bare calls (mount, ip, conmon, crun) for as many containers: what no engine on these tools can beat without spawning less. */
function floor(size: number): void {
  const rootfs = mkdtempSync("/var/tmp/bench-floor-");
  try {
    mkdirSync(join(rootfs, "bin"));
    for (const name of ["proc", "sys", "dev", "etc"]) mkdirSync(join(rootfs, name));
    execFileSync("cp", ["/bin/busybox", join(rootfs, "bin/sleep")]);
    const script = join(dirname(dirname(fileURLToPath(import.meta.url))), "bench/floor.sh");
    const samples = Array.from({ length: runs }, () => Number(execFileSync(script, [String(size), rootfs], { encoding: "utf8" })));
    rows.push({ what: `the bare calls, ${size} containers`, unit: "ms", samples: { floor: samples } });
  } finally {
    rmSync(rootfs, { recursive: true, force: true });
  }
}

function print(): void {
  console.log(
    `\n${cpus().length} x ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, ${runs} runs; median (min-max)\n`,
  );
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.samples)))];
  console.log(["", ...names, names.includes("docker") ? "docker / berth" : ""].join(" | "));
  for (const { what, unit, samples } of rows) {
    const cells = names.map((name) => (samples[name] ? cell(samples[name], unit) : "-"));
    const ratio = samples["berth"] && samples["docker"] ? `${(median(samples["docker"]) / median(samples["berth"])).toFixed(1)}x` : "";
    console.log([what, ...cells, ratio].join(" | "));
  }
}

function cell(samples: readonly number[], unit: string): string {
  const show = (value: number) => (unit === "MB" ? value.toFixed(1) : Math.round(value).toString());
  return `${show(median(samples))} ${unit} (${show(Math.min(...samples))}-${show(Math.max(...samples))})`;
}

function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
}

function push(samples: Record<string, number[]>, name: string, value: number): void {
  samples[name] ??= [];
  samples[name].push(value);
}

function residentKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN);
}

/** Private memory of all conmon processes: what a container costs beside its own processes. */
function monitorKb(): number {
  let sum = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/comm`, "utf8") !== "conmon\n") continue;
      for (const match of readFileSync(`/proc/${pid}/smaps_rollup`, "utf8").matchAll(/^Private_\w+:\s+(\d+)/gm)) sum += Number(match[1]);
    } catch {
      // It ended between the listing and the reading.
    }
  }
  return sum;
}
