import { lstatSync, readdirSync, type Stats } from "node:fs";
import { join } from "node:path";
import { isPruned, relevantPath } from "./rule-match.ts";
import type { WatchedRule } from "./watched-rule.ts";

/** Every path that a rule copies, as it is now, parents before what is in them; those that `wanted` takes. Gives way to others between directories. */
export async function sourceFiles(rule: WatchedRule, wanted: (stat: Stats) => boolean = () => true): Promise<string[]> {
  if (rule.isFile) {
    const stat = lstatSync(rule.path, { throwIfNoEntry: false });
    return stat && wanted(stat) ? [rule.path] : [];
  }
  const found: string[] = [];
  const directories = [rule.path];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const entry of entriesOf(directory)) {
      const path = join(directory, entry.name);
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (!stat) continue;
      if (stat.isDirectory() && !isPruned(rule, path)) directories.push(path);
      // A directory is made with the first file in it, unless there is none.
      if (relevantPath(rule, path) !== undefined && wanted(stat)) found.push(path);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return found;
}

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return []; // removed, or not readable: chokidar says the latter
  }
}
