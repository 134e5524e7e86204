import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Invocation, usageError } from "../invocation.ts";

/** `berth version`: needs no engine and starts none. */
export async function version(
  cli: Invocation,
  _args: readonly string[],
  options: { readonly format?: string; readonly short?: boolean },
): Promise<void> {
  const { format = "pretty" } = options;
  if (format !== "pretty" && format !== "json") throw usageError(`--format is pretty or json, not "${format}"`);
  const number = berthVersion(cli.dist);
  if (options.short) cli.print(number);
  else cli.print(format === "json" ? JSON.stringify({ version: number }) : `Berth version ${number}`);
}

export function berthVersion(dist: string): string {
  const parsed: unknown = JSON.parse(readFileSync(join(dist, "..", "package.json"), "utf8"));
  return parsed && typeof parsed === "object" && "version" in parsed ? String(parsed.version) : "unknown";
}
