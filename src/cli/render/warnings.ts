import type { SpecWarning } from "../../spec/index.ts";
import { formatPlace, markedSource } from "../../system/error.ts";
import type { Invocation } from "../invocation.ts";
import { printable } from "./printable.ts";

/** Writes a project's warnings to stderr, in the form of errors. */
export function showWarnings(cli: Pick<Invocation, "stderr" | "colorErr">, warnings: readonly SpecWarning[]): void {
  for (const warning of warnings) cli.stderr.write(`${warningText(warning, cli.colorErr)}\n`);
}

function warningText({ message, place, hint }: SpecWarning, color = false): string {
  const where = place ? `${formatPlace(place)}: ` : "";
  const head = printable(`${where}warning: ${message}`);
  const rest = printable(`${place ? markedSource(place) : ""}${hint === undefined ? "" : `\n  ${hint}`}`);
  return (color ? `\x1b[33m${head}\x1b[0m` : head) + rest;
}
