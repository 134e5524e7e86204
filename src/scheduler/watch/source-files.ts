import { type BigIntStats, lstatSync, readdirSync, type Stats } from "node:fs";
import { join } from "node:path";
import { isPruned, relevantPath } from "./rule-match.ts";
import type { WatchedRule } from "./watched-rule.ts";

/** Every path that a rule copies, as it is now, parents before what is in them; those that `wanted` takes. Gives way to others between directories. */
export async function sourceFiles(rule: WatchedRule, wanted: (stat: Stats) => boolean = () => true): Promise<string[]> {
  if (rule.isFile) {
    const stat = statOf(rule.path);
    return stat && wanted(stat) ? [rule.path] : [];
  }
  const found: string[] = [];
  const directories = [rule.path];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const entry of entriesOf(directory)) {
      const path = join(directory, entry.name);
      const stat = statOf(path);
      if (!stat) continue;
      if (stat.isDirectory() && !isPruned(rule, path)) directories.push(path);
      // A directory is made with the first file in it, unless there is none.
      if (relevantPath(rule, path) !== undefined && wanted(stat)) found.push(path);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return found;
}

/** Differs whenever the file, its content or its mode is another one; "gone" where there is none. Of a directory only what it is itself. */
export function pathState(path: string): string {
  let stat: BigIntStats;
  try {
    stat = lstatSync(path, { bigint: true });
  } catch {
    return "gone"; // also where a directory on the way to it became a file
  }
  return stat.isDirectory() ? `directory ${stat.ino} ${stat.mode}` : `${stat.ino} ${stat.size} ${stat.ctimeNs}`;
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return []; // removed, or not to be read, as for the watch
  }
}
