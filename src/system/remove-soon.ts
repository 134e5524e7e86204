import { readdirSync, renameSync, rmSync, unlink } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "./error.ts";

const suffix = ".removed";

/**
 * Takes a file away at once, by a rename, and deletes it on another thread. A deletion waits for the disk where blocks are discarded as they are freed (ext4
 * mounted with `discard`, without a journal: 3 ms) or the file is being written. What is not there is removed. A reader of the directory goes by names.
 */
export function removeSoon(path: string): void {
  const aside = path + suffix;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return;
    throw error;
  }
  unlink(aside, () => {}); // one that stays is taken by the next sweep
}

/** Deletes what a killed process did not get to. */
export function sweepRemoved(directory: string): void {
  for (const name of readdirSync(directory)) if (name.endsWith(suffix)) rmSync(join(directory, name), { force: true });
}
