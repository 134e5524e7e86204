import type { Readable } from "node:stream";
import type { WriteStream } from "node:tty";
import { type BerthPaths, berthPaths } from "../system/paths.ts";

/** What a command sees of the process it runs in. Commands write nowhere else, so tests can listen. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly paths: BerthPaths;
  /** The directory of the bundles: engine.js is there. */
  readonly dist: string;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP that no command took for itself. */
  readonly signal: AbortSignal;
}

/** A stream that may be a terminal. */
export type Output = NodeJS.WritableStream & Partial<Pick<WriteStream, "isTTY" | "columns" | "rows">>;

export function processContext(dist: string, signal: AbortSignal): CliContext {
  return {
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    paths: berthPaths(process.env),
    dist,
    signal,
  };
}

/** Whether this stream gets colour: --ansi decides, then NO_COLOR (no-color.org), CLICOLOR_FORCE, then whether it is a terminal. */
export function wantsColor(env: CliContext["env"], stream: Output, ansi: "auto" | "always" | "never" = "auto"): boolean {
  if (ansi !== "auto") return ansi === "always";
  if (env["NO_COLOR"]) return false;
  if (env["CLICOLOR_FORCE"] && env["CLICOLOR_FORCE"] !== "0") return true;
  return stream.isTTY === true && env["TERM"] !== "dumb";
}
