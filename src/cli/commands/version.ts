import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Invocation } from "../invocation.ts";

/** `berth version`: needs no engine and starts none. */
export async function version(
  cli: Invocation,
  _args: readonly string[],
  options: { readonly format: "pretty" | "json"; readonly short?: boolean },
): Promise<number> {
  const number = berthVersion(cli.dist);
  if (options.short) cli.print(number);
  else cli.print(options.format === "json" ? JSON.stringify({ version: number }) : `Berth version ${number}`);
  return 0;
}

function berthVersion(dist: string): string {
  const parsed: unknown = JSON.parse(readFileSync(join(dist, "..", "package.json"), "utf8"));
  return parsed && typeof parsed === "object" && "version" in parsed ? String(parsed.version) : "unknown";
}
