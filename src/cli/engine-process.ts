import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { BerthError } from "../system/error.ts";
import type { BerthPaths } from "../system/paths.ts";

export interface EnginePlace {
  readonly paths: BerthPaths;
  /** Where engine.js is. */
  readonly dist: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Long: a loaded or slow machine takes its time, and an engine that has ended is noticed at once. */
const startTimeoutMs = 60_000;

/**
 * A connection to the engine on the socket, which is started where none answers: under a lock (so many commands at once start one), in a
 * session of its own, with its output in `<BERTH_ROOT>/engine.log`. Spawns at most one process.
 * @throws BerthError system/not-root, system/engine-start with the engine's own last words
 */
export async function connectToEngine(place: EnginePlace): Promise<Socket> {
  const running = await openConnection(place.paths.socket);
  if (running) return running;
  requireRoot("the engine has to be root to make namespaces, mounts and bridges");
  mkdirSync(place.paths.run, { recursive: true, mode: 0o711 });
  mkdirSync(place.paths.root, { recursive: true, mode: 0o711 });
  const { lockFile } = await import("../system/lock.ts");
  const lock = await lockFile(join(place.paths.run, "start.lock"), startTimeoutMs);
  try {
    return (await openConnection(place.paths.socket)) ?? (await startEngineProcess(place));
  } finally {
    lock.release();
  }
}

/** @throws BerthError system/not-root */
export function requireRoot(why: string): void {
  if (process.geteuid?.() !== 0)
    throw new BerthError("system/not-root", `Berth runs as root only: ${why}`, {
      hint: "Run it with sudo (rootless engines are planned).",
    });
}

/** Whether somebody listens there. */
export async function engineAnswers(socketPath: string): Promise<boolean> {
  const socket = await openConnection(socketPath);
  socket?.destroy();
  return socket !== undefined;
}

/** Nothing where nobody listens on the file, or where it is no socket: the next engine replaces it. */
function openConnection(socketPath: string): Promise<Socket | undefined> {
  if (!existsSync(socketPath)) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once("connect", () => resolve(socket));
    // It stays for an engine that ends before the first request, which then opens a connection of its own.
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EACCES" && error.code !== "EPERM") return resolve(undefined);
      reject(
        new BerthError("system/not-root", `the engine's socket ${socketPath} may only be used by root`, {
          hint: "Run it with sudo.",
          cause: error,
        }),
      );
    });
  });
}

/** The engine's process, with the memory settings that a long life wants. */
export function spawnEngine({ paths, dist, env }: EnginePlace, o: SpawnOptions & { args?: readonly string[] }): ChildProcess {
  const { args = [], ...options } = o;
  // What lives for one request is many times what stays: V8 would let it pile up to 48 MB before it looks.
  return spawn(process.execPath, ["--max-semi-space-size=4", join(dist, "engine.js"), ...args], {
    ...options,
    // Threads that unpack layers would each keep an arena of freed memory of their own, and arenas grow their idea of what is worth giving back.
    env: { MALLOC_ARENA_MAX: "2", MALLOC_TRIM_THRESHOLD_: "131072", ...env, BERTH_ROOT: paths.root, BERTH_RUN: paths.run },
  });
}

/** Starts the engine detached and waits until it answers or has ended. */
async function startEngineProcess({ paths, dist, env }: EnginePlace): Promise<Socket> {
  const logPath = engineLogPath(paths);
  const output = join(paths.run, "engine.out");
  const fd = openSync(output, "w", 0o600);
  const child = spawnEngine({ paths, dist, env }, { cwd: "/", detached: true, stdio: ["ignore", fd, fd] });
  closeSync(fd);
  let ended: string | undefined;
  child.once("error", (error) => {
    ended = error.message;
  });
  child.once("exit", (code, signal) => {
    ended = signal ? `it was ended by ${signal}` : `it exited with ${code}`;
  });
  const until = Date.now() + startTimeoutMs;
  for (;;) {
    const connection = await openConnection(paths.socket);
    if (connection) {
      child.unref();
      return connection;
    }
    if (ended !== undefined || Date.now() > until) {
      const lines = lastLines(output) || lastLines(logPath);
      throw new BerthError(
        "system/engine-start",
        `the engine did not start: ${ended ?? `it does not answer after ${startTimeoutMs / 1000} s`}${lines ? `\n${indent(lines)}` : ""}`,
        { hint: `Its log is ${logPath}; \`berth engine --foreground\` shows it live, \`berth doctor\` checks the machine.` },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function engineLogPath(paths: BerthPaths): string {
  return join(paths.root, "engine.log");
}

function lastLines(path: string, count = 8): string {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n").slice(-count).join("\n");
  } catch {
    return ""; // It did not come so far.
  }
}

const indent = (text: string): string => text.replace(/^/gm, "    ");
