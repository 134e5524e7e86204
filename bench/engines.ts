import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { busyboxArchive } from "../test/support/busybox-image.ts";

/** One engine under measurement: how to call its compose and its docker commands. */
export interface Engine {
  readonly name: string;
  /** Of its clients: DOCKER_HOST is its socket. */
  readonly env: NodeJS.ProcessEnv;
  /** Its compose command, to be run in the background. */
  readonly composeCommand: readonly string[];
  compose(args: readonly string[], cwd: string): Promise<number>;
  docker(args: readonly string[]): Promise<number>;
  /** Pid of the process whose memory counts as the engine's. */
  pid(): number;
  close(): Promise<void>;
}

const imageCommands = new Set(["build", "import", "load", "pull", "push", "rmi", "save"]);
const checkout = dirname(dirname(fileURLToPath(import.meta.url)));

/** Berth from this checkout, with directories of its own; its engine is up and holds busybox before anything is timed. */
export async function berthEngine(): Promise<Engine> {
  const root = mkdtempSync("/var/tmp/berth-bench-");
  const run = mkdtempSync("/run/berth-bench-");
  const env = { ...process.env, BERTH_ROOT: root, BERTH_RUN: run };
  const berth = join(checkout, "bin/berth");
  await timed(berth, ["image", "load"], { env, input: busyboxArchive() });
  return {
    name: "berth",
    env: { ...env, DOCKER_HOST: `unix://${run}/engine.sock` },
    composeCommand: [berth],
    compose: (args, cwd) => timed(berth, args, { env, cwd }),
    // What a user of Berth types for an image; the rest by the docker client, so that both columns pay for the same client.
    docker: (args) =>
      imageCommands.has(args[0] ?? "")
        ? timed(berth, ["docker", ...args], { env })
        : timed("docker", args, { env: { ...process.env, DOCKER_HOST: `unix://${run}/engine.sock` } }),
    pid: () => Number(readFileSync(join(run, "engine.pid"), "utf8")),
    close: async () => {
      await timed(berth, ["engine", "stop"], { env });
      rmSync(root, { recursive: true, force: true });
      rmSync(run, { recursive: true, force: true });
    },
  };
}

/** Docker: the daemon at BENCH_DOCKER_HOST, or a dockerd from PATH with a data root of its own. Undefined where there is neither. */
export async function dockerEngine(): Promise<Engine | undefined> {
  let host = process.env["BENCH_DOCKER_HOST"];
  let daemon: ChildProcess | undefined;
  const state = mkdtempSync("/var/tmp/dockerd-bench-");
  if (!host) {
    host = `unix://${state}/docker.sock`;
    mkdirSync(join(state, "data"));
    const flags = ["--data-root", `${state}/data`, "--exec-root", `${state}/exec`, "-H", host, "--pidfile", `${state}/pid`];
    daemon = spawn("dockerd", flags, { stdio: "ignore" });
    const missing = await new Promise<boolean>((resolve) => {
      daemon?.on("error", () => resolve(true));
      daemon?.on("spawn", () => resolve(false));
    });
    if (missing) {
      rmSync(state, { recursive: true, force: true });
      return undefined;
    }
  }
  const env = { ...process.env, DOCKER_HOST: host };
  for (let attempt = 0; ; attempt++) {
    if ((await exitCode("docker", ["version"], env)) === 0) break;
    if (attempt === 100) throw new Error(`dockerd does not answer at ${host}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await timed("docker", ["load"], { env, input: busyboxArchive() });
  return {
    name: "docker",
    env,
    composeCommand: ["docker", "compose"],
    compose: (args, cwd) => timed("docker", ["compose", ...args], { env, cwd }),
    docker: (args) => timed("docker", args, { env }),
    pid: () => daemon?.pid ?? Number(readFileSync(process.env["BENCH_DOCKER_PID"] ?? "/run/docker.pid", "utf8")),
    close: async () => {
      if (daemon) {
        const ended = new Promise((resolve) => daemon?.on("exit", resolve));
        daemon.kill("SIGTERM");
        await ended;
      }
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/** Runs a program to its end; milliseconds. Throws with its output where it fails, so that a failure is never a fast run. */
export function timed(
  file: string,
  args: readonly string[],
  o: { env?: NodeJS.ProcessEnv; cwd?: string; input?: Buffer } = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(file, args, { env: o.env, cwd: o.cwd, stdio: [o.input ? "pipe" : "ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout?.on("data", (chunk) => (output += chunk));
    child.stderr?.on("data", (chunk) => (output += chunk));
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      const ms = performance.now() - start;
      if (code === 0) resolve(ms);
      else reject(new Error(`${file} ${args.join(" ")} ended with ${code ?? signal}:\n${output.slice(-2000)}`));
    });
    if (o.input) child.stdin?.end(o.input);
  });
}

function exitCode(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number | null> {
  return new Promise((resolve) => spawn(file, args, { env, stdio: "ignore" }).on("exit", resolve));
}
