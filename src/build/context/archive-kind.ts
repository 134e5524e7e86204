import { closeSync, openSync, readSync } from "node:fs";

/** By content, never by name: gzip, bzip2, xz, zstd or plain tar. */
export function isArchive(file: string): boolean {
  return /^(1f8b|425a68|fd377a585a00|28b52ffd)/.test(firstBytes(file, 6).toString("hex")) || isPlainTar(file);
}

export function isPlainTar(file: string): boolean {
  return firstBytes(file, 512).subarray(257, 262).toString() === "ustar";
}

function firstBytes(file: string, length: number): Buffer {
  const fd = openSync(file, "r");
  try {
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(fd, buffer, 0, length, 0));
  } finally {
    closeSync(fd);
  }
}
