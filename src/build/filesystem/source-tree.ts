import type { BigIntStats } from "node:fs";

/** A read-only tree that COPY, ADD and bind mounts take files from. Paths are relative to its root, without a leading slash; "" is the root. */
export interface SourceTree {
  /** Entries of a directory, sorted by name. */
  list(path: string): SourceEntry[];
  /** Without following a link in the last component. */
  entry(path: string): SourceEntry | undefined;
  /** Context files belong to root in the image; files of a stage or an image keep their owner. */
  readonly keepsOwner: boolean;
  /** Trees of the same identity have the same content, for ever; undefined where it may change. */
  readonly identity: string | undefined;
  /** Where a missing path was looked for and why it may be missing. */
  describeMissing(path: string): string;
}

export interface SourceEntry {
  readonly path: string;
  readonly name: string;
  readonly hostPath: string;
  readonly stat: BigIntStats;
}

export const joinPath = (directory: string, name: string): string => (directory === "" ? name : `${directory}/${name}`);

/** A path of a Dockerfile as a path in a tree: absolute and `..` end at the root. */
export function treePath(text: string): string {
  const parts: string[] = [];
  for (const part of text.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}
