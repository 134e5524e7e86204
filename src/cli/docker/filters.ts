import { UsageError } from "./usage-error.ts";

/** `-f name=web -f status=exited` as the API's filters: {"name":["web"],"status":["exited"]}; undefined where none is given. @throws UsageError */
export function filterQuery(given: readonly string[]): string | undefined {
  if (given.length === 0) return undefined;
  const filters: Record<string, string[]> = {};
  for (const text of given) {
    const at = text.indexOf("=");
    if (at < 1)
      throw new UsageError(`invalid argument ${JSON.stringify(text)} for "-f, --filter" flag: bad format of filter (expected name=value)`);
    const name = text.slice(0, at).toLowerCase().trim();
    filters[name] = [...(filters[name] ?? []), text.slice(at + 1).trim()];
  }
  return JSON.stringify(filters);
}
