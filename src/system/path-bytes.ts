import type { PathLike } from "node:fs";

/** A byte string (one character per byte) as Node wants it: text where it is ASCII, else the bytes. */
export function nodePath(path: string): PathLike {
  return /[\x80-\xff]/.test(path) ? Buffer.from(path, "latin1") : path;
}

/** The same for libc: koffi writes strings as UTF-8 and hands buffers over as they are, so bytes that are no text go as a buffer with its NUL. */
export function libcPath(path: string): string {
  if (!/[\x80-\xff]/.test(path)) return path;
  return Buffer.from(`${path}\0`, "latin1") as unknown as string; // koffi takes either for `const char *`
}
