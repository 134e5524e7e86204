import { execa } from "execa";
import { BerthError } from "./error.ts";

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

/**
 * Runs one program without a shell, with `LC_ALL=C`, an explicit environment and bounded output (16 MiB).
 * @throws BerthError `system/missing-tool` when it is not installed, `system/command-failed` with its last stderr lines otherwise.
 */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const result = await execa(file, args, {
    reject: false,
    extendEnv: false,
    env: { PATH: process.env["PATH"] ?? defaultPath, HOME: process.env["HOME"] ?? "/root", LC_ALL: "C", ...options.env },
    timeout: options.timeoutMs ?? 60_000,
    forceKillAfterDelay: 2_000,
    maxBuffer: 16 * 1024 * 1024,
    stripFinalNewline: false,
    ...(options.signal ? { cancelSignal: options.signal } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
    ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
  });
  if (result.code === "ENOENT" && result.exitCode === undefined) {
    throw new BerthError("system/missing-tool", `the program "${file}" is not installed`, {
      hint: "Run `berth doctor` to see what is missing.",
      cause: result,
    });
  }
  const exitCode = result.exitCode ?? -1;
  if (result.isCanceled) throw options.signal?.reason ?? result;
  if (!(options.accept ?? [0]).includes(exitCode)) {
    const why = result.timedOut ? "took too long" : result.signal ? `was ended by ${result.signal}` : `exited with ${exitCode}`;
    const tail = String(result.stderr).trim().split("\n").slice(-5).join("\n");
    throw new BerthError("system/command-failed", `${file} ${args.slice(0, 4).join(" ")} ${why}${tail ? `: ${tail}` : ""}`, {
      cause: result,
    });
  }
  return { stdout: String(result.stdout), stderr: String(result.stderr), exitCode };
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
