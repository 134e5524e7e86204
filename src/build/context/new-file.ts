import { createWriteStream, openSync, type WriteStream } from "node:fs";

/** Writes a new file of a build, which is there at once: one that is opened later may come when a build that was cut off has removed its directory. */
export function newFile(path: string): WriteStream {
  return createWriteStream(path, { fd: openSync(path, "w", 0o600) });
}
