import { BerthError, formatError, messageOf } from "../system/error.ts";
import { errorCodes } from "../system/error-codes.ts";
import { type CliContext, wantsColor } from "./context.ts";
import { printable } from "./render/printable.ts";

/** A command's end with this exit code and nothing more to say: what failed was already shown. */
export class ExitCode extends Error {
  override readonly name = "ExitCode";
  readonly code: number;
  constructor(code: number) {
    super(`exit code ${code}`);
    this.code = code;
  }
}

/**
 * Shows one error on stderr (what failed, where, why; what to do on a line of its own) and answers the exit code that it means.
 * A stack is shown only with --debug or for a fault of Berth itself.
 */
export function reportError(error: unknown, context: Pick<CliContext, "env" | "stderr">, debug = false): number {
  if (error instanceof ExitCode) return error.code;
  const all = error instanceof AggregateError ? error.errors : [error];
  const color = wantsColor(context.env, context.stderr);
  for (const one of all) context.stderr.write(`${errorText(one, color, debug)}\n`);
  const first: unknown = all[0];
  return first instanceof BerthError ? errorCodes[first.code].exit : 1;
}

function errorText(error: unknown, color: boolean, debug: boolean): string {
  if (error instanceof BerthError) {
    const text = printable(formatError(error));
    const cause =
      debug && error.cause !== undefined ? `\n${error.cause instanceof Error ? error.cause.stack : messageOf(error.cause)}` : "";
    return (color ? colored(text) : text) + cause;
  }
  if (error instanceof Error && "code" in error && typeof error.code === "string" && !debug) return printable(error.message);
  const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  return `This is a fault of Berth itself:\n${printable(stack)}`;
}

/** The first line stands out, its code steps back, hints are as they are. */
function colored(text: string): string {
  const [first = "", ...rest] = text.split("\n");
  return [`\x1b[31m${first.replace(/ {2}(\[[\w/-]+\])$/, "\x1b[0m  \x1b[2m$1")}\x1b[0m`, ...rest].join("\n");
}
