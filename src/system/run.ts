import { constants } from "node:os";
import { BerthError } from "./error.ts";
import { type Spawned, spawnProcess } from "./spawn.ts";

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly input?: string | Uint8Array;
  /** Milliseconds until SIGTERM; SIGKILL follows two seconds later. Default 60,000. */
  readonly timeoutMs?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that are an answer, not a failure. Default: only 0. */
  readonly accept?: readonly number[];
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const maxOutput = 16 * 1024 * 1024;
const forceKillMs = 2_000;

/**
 * Runs one program without a shell, with `LC_ALL=C`, an explicit environment and bounded output (16 MiB).
 * @throws BerthError `system/missing-tool` when it is not installed, `system/command-failed` with its last stderr lines otherwise.
 */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const child = await spawnProcess({
    file,
    args,
    env: { PATH: process.env["PATH"] ?? defaultPath, HOME: process.env["HOME"] ?? "/root", LC_ALL: "C", ...options.env },
    stdio: [options.input === undefined ? "null" : "from-parent", "to-parent", "to-parent"],
    ...(options.cwd ? { cwd: options.cwd } : {}),
  });
  const ending = new Ending(child);
  const timer = setTimeout(() => ending.because("took too long"), options.timeoutMs ?? 60_000);
  const abort = () => ending.because("was aborted");
  options.signal?.addEventListener("abort", abort, { once: true });
  if (options.signal?.aborted) abort();
  try {
    const [input, out, err] = child.pipes;
    input?.on("error", () => {}); // it did not want all of it
    input?.end(options.input ?? "");
    const tooMuch = () => ending.because(`wrote more than ${maxOutput} bytes`);
    const [stdout, stderr] = await Promise.all([collect(out, tooMuch), collect(err, tooMuch)]);
    const ended = await reaped(child);
    input?.destroy();
    options.signal?.throwIfAborted();
    const exitCode = "exitCode" in ended ? ended.exitCode : -1;
    if (ending.reason === undefined && (options.accept ?? [0]).includes(exitCode)) return { stdout, stderr, exitCode };
    const why = ending.reason ?? ("signal" in ended ? `was ended by ${signalName(ended.signal)}` : `exited with ${exitCode}`);
    const tail = stderr.trim().split("\n").slice(-5).join("\n");
    throw new BerthError("system/command-failed", `${file} ${args.slice(0, 4).join(" ")} ${why}${tail ? `: ${tail}` : ""}`);
  } finally {
    clearTimeout(timer);
    ending.close();
    options.signal?.removeEventListener("abort", abort);
  }
}

/** Ends a program early: SIGTERM, then SIGKILL. What held its output goes with it only if it is its own child: the pipes are closed then. */
class Ending {
  reason: string | undefined;
  readonly #child: Spawned;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(child: Spawned) {
    this.#child = child;
  }

  because(reason: string): void {
    if (this.#closed || this.reason !== undefined) return;
    this.reason = reason;
    kill(this.#child.pid, "SIGTERM");
    this.#timer = setTimeout(() => {
      kill(this.#child.pid, "SIGKILL");
      for (const socket of this.#child.pipes) socket?.destroy();
    }, forceKillMs);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended; until it is reaped the pid is its own.
  }
}

/** All that comes out of a pipe, up to its end or its destruction. */
function collect(pipe: Spawned["pipes"][number], tooMuch: () => void): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve) => {
    pipe?.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxOutput) chunks.push(chunk);
      else tooMuch();
    });
    pipe?.on("error", () => {});
    pipe?.on("close", () => resolve(Buffer.concat(chunks).toString("utf8")));
    pipe?.on("end", () => pipe.destroy());
  });
}

/** Its pipes are closed: it has ended, or is about to. */
export async function reaped(child: Spawned): Promise<{ exitCode: number } | { signal: number }> {
  for (let pauseMs = 0; ; pauseMs = Math.min(50, pauseMs * 2 + 1)) {
    const ended = child.reap();
    if (ended) return ended;
    await new Promise((resolve) => (pauseMs ? setTimeout(resolve, pauseMs) : setImmediate(resolve)));
  }
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`;
}
