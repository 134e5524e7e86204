import { closeSync, openSync } from "node:fs";
import { BerthError } from "./error.ts";
import { syscalls } from "./syscalls.ts";

export interface FileLock {
  release(): void;
}

const lockExclusive = 2;
const lockNonBlocking = 4;

/**
 * Takes an advisory lock (flock) on a file that it creates where missing. The kernel drops it when this process ends, however it ends.
 * Waits up to `waitMs` (0: not at all), looking every 20 ms.
 * @throws BerthError `system/locked`
 */
export async function lockFile(path: string, waitMs = 0): Promise<FileLock> {
  const fd = openSync(path, "a", 0o600);
  const until = Date.now() + waitMs;
  try {
    while (!syscalls().flock(fd, lockExclusive | lockNonBlocking)) {
      if (Date.now() >= until) throw new BerthError("system/locked", `${path} is locked by another process`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { release: () => closeSync(fd) };
}
