import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as timeout } from "node:timers/promises";
import { drained, errnoOf, messageOf } from "../system/index.ts";
import { consoleSocket, type Terminal } from "./console.ts";
import { readInside } from "./inside.ts";
import { ociJson } from "./oci-json.ts";
import type { Runtime } from "./runtime.ts";
import { commandFailure } from "./start-error.ts";
import { resolveUser } from "./users.ts";

export interface ExecSpec {
  readonly args: readonly string[];
  /** "K=V"; laid over the container's own. */
  readonly env: readonly string[];
  readonly user: string;
  readonly cwd: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  /** All capabilities of this host, whatever the container has; its seccomp profile stays, as with Docker. */
  readonly privileged: boolean;
  readonly size?: { w: number; h: number };
}

export interface ExecEnd {
  readonly exitCode: number;
  /** Why the process could not be started: then there was none. */
  readonly reason?: string;
}

export interface ExecSession {
  /** Settles when the process has been started. 0 where it could not be. */
  readonly pid: Promise<number>;
  readonly ended: Promise<ExecEnd>;
  /** `ended`, as its exit code alone. */
  readonly exited: Promise<number>;
  /** A promise where the process takes no more for now. */
  write(data: Uint8Array): Promise<void> | undefined;
  endInput(): void;
  resize(size: { w: number; h: number }): void;
  /** Nobody reads its output any more: who has its terminal is told (SIGHUP), who writes into its pipes finds them broken. */
  hangUp(): void;
  /** Ends the process with SIGKILL, also one that the runtime is still about to start. */
  kill(): void;
}

/** Takes what a process writes. Where it answers a promise, the process is not read until that settles, and waits when its pipe is full. */
export type TakeOutput = (stream: 1 | 2, data: Buffer) => Promise<void> | undefined | void;

/** Who a process in a container is to be, by the container's own files. */
function execUser(root: string, user: string) {
  return resolveUser(user, readInside(root, "/etc/passwd"), readInside(root, "/etc/group"));
}

/** Is there such a user in the container? @throws BerthError runtime/unknown-user */
export function checkExecUser(runtime: Runtime, id: string, user: string): void {
  execUser(runtime.rootfs(id), user);
}

/**
 * Runs one more process in a running container: spawns the low-level runtime's exec and nothing else. A terminal comes over a console socket.
 * Why a command cannot be started goes to the output, and the exit code is 126 or 127, as with Docker.
 * `onAccepted` is called before the spawn, when nothing can be refused any more. @throws BerthError runtime/unknown-user
 */
export function execInContainer(
  runtime: Runtime,
  id: string,
  spec: ExecSpec,
  onOutput: TakeOutput,
  onAccepted: () => void = () => {},
): ExecSession {
  const key = randomBytes(6).toString("hex");
  const directory = join(runtime.bundle(id), "exec");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const [processFile, pidFile, socketPath] = [
    join(directory, `${key}.json`),
    join(directory, `${key}.pid`),
    join(runtime.socketDir, key), // a socket's path has 107 bytes, and the bundle's is long
  ];
  const config = JSON.parse(readFileSync(join(runtime.bundle(id), "config.json"), "utf8")) as {
    process: Record<string, unknown> & { env: string[]; cwd: string; user: { uid: number }; capabilities: Record<string, string[]> };
  }; // written by ociSpec
  const root = runtime.rootfs(id);
  const user = spec.user ? execUser(root, spec.user) : undefined;
  const capabilities = { ...config.process.capabilities };
  if (spec.privileged) capabilities["bounding"] = runtime.allCapabilities();
  if (user || spec.privileged) {
    const list = (user ?? config.process.user).uid === 0 ? (capabilities["bounding"] ?? []) : [];
    capabilities["effective"] = list;
    capabilities["permitted"] = list;
  }
  const { consoleSize: _, ...inherited } = config.process;
  const process_ = {
    ...inherited,
    terminal: spec.tty,
    ...(spec.tty && spec.size ? { consoleSize: { height: spec.size.h, width: spec.size.w } } : {}),
    args: spec.args,
    env: mergeEnv(config.process.env, [...(user ? [`HOME=${user.home}`] : []), ...(spec.tty ? ["TERM=xterm"] : []), ...spec.env]),
    cwd: spec.cwd || config.process.cwd,
    ...(user ? { user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids } } : {}),
    capabilities,
  };
  writeFileSync(processFile, ociJson(process_));
  onAccepted();
  const stop = new AbortController();
  const socket = spec.tty ? consoleSocket(socketPath) : undefined;
  const args = [
    "--root",
    runtime.stateDir,
    "exec",
    "--process",
    processFile,
    "--pid-file",
    pidFile,
    ...(spec.tty ? ["--tty", "--console-socket", socketPath] : []),
    id,
  ];
  const child = spawn(runtime.program, args, {
    stdio: [spec.stdin && !spec.tty ? "pipe" : "ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C" },
  });
  let terminal: Terminal | undefined;
  let hungUp = false;
  let size = spec.size;
  let early: Uint8Array[] | undefined = [];
  const said: Buffer[] = [];
  const terminalEnded = socket
    ? socket
        .receive(stop.signal)
        .then((received) => {
          terminal = received;
          if (size) received.resize(size);
          for (const data of early ?? []) received.write(data);
          early = undefined;
          if (hungUp) return received.close();
          return new Promise<void>((resolve) => {
            readInStep(received.stream, (data) => onOutput(1, data));
            received.stream.on("error", () => resolve()); // EIO: the other end was closed
            received.stream.on("end", () => {
              const rest = received.rest();
              if (rest.length > 0) void onOutput(1, rest);
              resolve();
            });
            received.stream.on("close", () => resolve());
          });
        })
        .catch(() => {}) // no terminal came: the end of the runtime says why
    : Promise.resolve();
  readInStep(child.stdout, (data) => onOutput(1, data));
  // Until the process is there, stderr is the runtime's own: it says why there is none.
  let started = false;
  readInStep(child.stderr, (data) => {
    started ||= existsSync(pidFile);
    if (started) return onOutput(2, data);
    said.push(data);
  });
  child.stdin?.on("error", () => {}); // the process closed its input first
  const inputRoom = child.stdin ? drained(child.stdin) : undefined;
  const ended = new Promise<ExecEnd>((resolve) => {
    child.on("error", (error) => {
      void onOutput(2, Buffer.from(`${messageOf(error)}\n`));
      resolve({ exitCode: 126 });
    });
    child.on("close", (code, signal) => {
      void (async () => {
        if (!terminal) stop.abort();
        await Promise.race([terminalEnded, new Promise((done) => setTimeout(done, 1000))]);
        terminal?.close();
        socket?.close();
        const began = started || existsSync(pidFile) || code === 0;
        for (const file of [processFile, pidFile]) rmSync(file, { force: true });
        const text = Buffer.concat(said);
        const failure = began
          ? undefined
          : (commandFailure(text.toString(), spec.args[0] ?? "") ?? { exitCode: 126, why: text.toString().trim() });
        if (failure) {
          const reason = `OCI runtime exec failed: exec failed: unable to start container process: ${failure.why}`;
          void onOutput(1, Buffer.from(`${reason}\r\n`));
          resolve({ exitCode: failure.exitCode, reason });
          return;
        }
        if (text.length > 0) void onOutput(2, text);
        resolve({ exitCode: code ?? (signal ? 137 : 0) });
      })();
    });
  });
  const pid = pollPid(pidFile, ended);
  void pid.then((number) => {
    if (number === 0) return;
    started = true;
    for (const data of said.splice(0)) void onOutput(2, data);
  });
  return {
    pid,
    ended,
    exited: ended.then(({ exitCode }) => exitCode),
    write: (data) => {
      if (terminal) return terminal.write(data);
      if (spec.tty) early?.push(data);
      else child.stdin?.write(data);
      return inputRoom?.();
    },
    endInput: () => {
      const end = Buffer.from([4]); // what a person types
      if (terminal) terminal.write(end);
      else if (spec.tty) early?.push(end);
      else child.stdin?.end();
    },
    resize: (asked) => {
      size = asked; // kept for a terminal that is still on its way
      terminal?.resize(asked);
    },
    hangUp: () => {
      hungUp = true;
      terminal?.close();
      child.stdout?.destroy();
      child.stderr?.destroy();
    },
    kill: () => {
      // Whoever ends the runtime while it starts the process may leave that behind: what is awaited first is its number.
      void Promise.race([pid, timeout(killPatienceMs, 0, { ref: false })]).then((number) => {
        if (child.exitCode !== null || child.signalCode !== null) return; // and the number may be another's
        try {
          if (number > 0) process.kill(number, "SIGKILL");
          else child.kill("SIGKILL");
        } catch (error) {
          if (errnoOf(error) !== "ESRCH") throw error; // it has just ended
        }
      });
    },
  };
}

/** How long a process that is to be killed may take to be there. */
const killPatienceMs = 5_000;

/** Reads a stream no faster than its bytes are taken. */
export function readInStep(stream: Readable | null, take: (data: Buffer) => Promise<void> | undefined | void): void {
  stream?.on("data", (data: Buffer) => {
    const taken = take(data);
    if (taken === undefined) return;
    stream.pause();
    void taken.then(() => stream.resume());
  });
}

async function pollPid(file: string, ended: Promise<ExecEnd>): Promise<number> {
  let over = false;
  void ended.then(() => (over = true));
  while (!over) {
    try {
      const pid = Number(readFileSync(file, "utf8"));
      if (pid > 0) return pid;
    } catch {
      // not written yet
    }
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  return 0;
}

export function mergeEnv(base: readonly string[], over: readonly string[]): string[] {
  const merged = new Map(base.map((line) => [line.split("=", 1)[0] ?? "", line]));
  for (const line of over) {
    const key = line.split("=", 1)[0] ?? "";
    if (line.includes("=")) merged.set(key, line);
    else merged.delete(key);
  }
  return [...merged.values()];
}
