import { readlinkSync } from "node:fs";
import { BerthError } from "../../system/index.ts";
import type { SourceEntry } from "./source-tree.ts";

/** Anything that can be asked for one entry without following links. */
export interface Lookup {
  entry(path: string): SourceEntry | undefined;
}

/**
 * Follows every symbolic link of a path as if the tree were the root of the machine: absolute links start at the tree's root and `..` stops
 * there. Components that do not exist stay as they are. With `keepLast` a link in the last component is not followed.
 */
export function resolvePath(tree: Lookup, path: string, keepLast = false): string {
  let pending = path.split("/").filter((part) => part !== "" && part !== ".");
  let resolved: string[] = [];
  let links = 0;
  while (pending.length > 0) {
    const [part, ...rest] = pending as [string, ...string[]];
    pending = rest;
    if (part === "..") {
      resolved = resolved.slice(0, -1);
      continue;
    }
    const candidate = [...resolved, part];
    const entry = keepLast && pending.length === 0 ? undefined : tree.entry(candidate.join("/"));
    if (!entry?.stat.isSymbolicLink()) {
      resolved = candidate;
      continue;
    }
    if (++links > 255) throw new BerthError("build/context", `${path}: too many levels of symbolic links`);
    const target = readlinkSync(entry.hostPath);
    if (target.startsWith("/")) resolved = [];
    pending = [...target.split("/").filter((name) => name !== "" && name !== "."), ...pending];
  }
  return resolved.join("/");
}
