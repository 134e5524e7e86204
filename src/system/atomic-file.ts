import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { BerthError, errnoOf, messageOf } from "./error.ts";

/**
 * Replaces a file in one step: readers see the old content or the new, never a part. `sync` adds an fsync (for what must
 * survive a power cut; leave it off on the start path).
 * @throws BerthError `system/disk-full` on ENOSPC/EDQUOT, `system/syscall` otherwise; the old file is intact.
 */
export function writeFileAtomic(path: string, content: string | Uint8Array, options: { mode?: number; sync?: boolean } = {}): void {
  const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    const fd = openSync(temporary, "wx", options.mode ?? 0o600);
    try {
      const bytes = typeof content === "string" ? Buffer.from(content) : content;
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      if (options.sync) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    removeQuietly(temporary);
    const full = errnoOf(error) === "ENOSPC" || errnoOf(error) === "EDQUOT";
    throw new BerthError(full ? "system/disk-full" : "system/syscall", `cannot write ${path}: ${messageOf(error)}`, {
      ...(full ? { hint: "Free some space; `berth system df` shows what Berth holds." } : {}),
      cause: error,
    });
  }
}

/** The parsed JSON of a file, or undefined where there is none. Throws SyntaxError on anything that is not JSON. */
export function readJsonFile(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
  return JSON.parse(text);
}

/** What failed is the write; a temporary file that could not be removed either must not hide that. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The error of the write is thrown by the caller.
  }
}
