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

/** This process. Its streams are opened when they are first asked for, because that takes milliseconds; `onOutput` gets each output then. */
export function processContext(dist: string, signal: AbortSignal, onOutput: (output: NodeJS.WriteStream) => void): CliContext {
  const known = new Map<"stdout" | "stderr", NodeJS.WriteStream>();
  const output = (name: "stdout" | "stderr") => {
    const stream = known.get(name) ?? process[name];
    if (!known.has(name)) onOutput(stream);
    known.set(name, stream);
    return stream;
  };
  return {
    env: process.env,
    // Whose directory was removed still has a command line: only what is read from there fails.
    get cwd() {
      try {
        return process.cwd();
      } catch {
        return process.env["PWD"] ?? "/";
      }
    },
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return output("stdout");
    },
    get stderr() {
      return output("stderr");
    },
    paths: berthPaths(process.env),
    dist,
    signal,
  };
}

/** `context` with more properties, or other ones; its streams stay unopened. */
export function extended<T extends object>(context: CliContext, more: T): Omit<CliContext, keyof T> & T {
  const properties = { ...Object.getOwnPropertyDescriptors(context), ...Object.getOwnPropertyDescriptors(more) };
  return Object.create(Object.prototype, properties) as Omit<CliContext, keyof T> & T; // these are its properties
}

/** Whether this stream gets colour: --ansi decides, then NO_COLOR (no-color.org), CLICOLOR_FORCE, then whether it is a terminal. */
export function wantsColor(env: CliContext["env"], stream: Output, ansi: "auto" | "always" | "never" = "auto"): boolean {
  if (ansi !== "auto") return ansi === "always";
  if (env["NO_COLOR"]) return false;
  if (env["CLICOLOR_FORCE"] && env["CLICOLOR_FORCE"] !== "0") return true;
  return stream.isTTY === true && env["TERM"] !== "dumb";
}
