import { lstatSync, type Stats } from "node:fs";
import { posix } from "node:path";
import { errnoOf, messageOf } from "../system/index.ts";
import { ContainerTree } from "./container-tree.ts";

export interface SyncJob {
  readonly pid: number;
  readonly rootfs: string;
  /** Absolute in the container. */
  readonly target: string;
  /** The target is a file, not a directory. */
  readonly isFile: boolean;
  /** In this order; `to` is relative to the target. */
  readonly copies: readonly { readonly from: string; readonly to: string }[];
  /** Leave alone what has the same size, time and mode. */
  readonly ifDifferent: boolean;
}

export interface SyncOutcome {
  readonly copied: number;
  readonly removed: number;
  /** "path: why", of those that could not be copied. The others were. */
  readonly failures: readonly string[];
}

/**
 * Makes paths in a running container the same as they are on this machine by now: copied, or removed where they are gone. Spawns nothing; gives way to
 * others after some milliseconds.
 * @throws BerthError container/not-running
 */
export async function syncFiles(job: SyncJob): Promise<SyncOutcome> {
  const base = job.isFile ? posix.dirname(job.target) : job.target;
  using tree = ContainerTree.open({ pid: job.pid, rootfs: job.rootfs, path: base });
  const failures: string[] = [];
  let [copied, removed, sliceEndMs] = [0, 0, performance.now() + sliceMs];
  for (const { from, to } of job.copies) {
    const path = job.isFile ? posix.basename(job.target) : to;
    try {
      const stat = statOf(from);
      if (!stat) {
        // The target's own directory stays: it may be a mount, and what else is in it was not copied there.
        if (path !== "" && tree.remove(path)) removed++;
      } else if (path === "") continue;
      else if (stat.isFile() || stat.isDirectory() || stat.isSymbolicLink()) {
        if (tree.put(from, stat, path, { ifDifferent: job.ifDifferent })) copied++;
      } else failures.push(`${from}: only files, directories and links can be copied`);
    } catch (error) {
      if (isGone(error, from)) continue;
      failures.push(`${from}: ${messageOf(error)}`);
    }
    if (performance.now() > sliceEndMs) {
      await new Promise((resolve) => setImmediate(resolve));
      sliceEndMs = performance.now() + sliceMs;
    }
  }
  return { copied, removed, failures };
}

/** It went away while it was copied: its removal is the next change. */
function isGone(error: unknown, from: string): boolean {
  return /ENOENT|ENOTDIR/.test(messageOf(error)) && !statOf(from);
}

/** Undefined where there is nothing, also where a directory on the way became a file. */
function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

const sliceMs = 10;
