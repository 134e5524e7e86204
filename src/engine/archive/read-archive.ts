import { closeSync, read, readlinkSync, type Stats } from "node:fs";
import { promisify } from "node:util";
import { deviceNumbers, padding, type TarEntry, tarEnd, tarEntryOf, tarHeader } from "../../image/index.ts";
import { type OpenDirectory, walkRoot } from "../../runtime/index.ts";
import { errnoOf, syscalls } from "../../system/index.ts";

const readFd = promisify(read);
const chunkBytes = 256 * 1024;

/**
 * The tar of everything below a directory, in pieces. `prefix` goes in front of the names ("t/"); names of one inode become hard links. A file that
 * shrinks meanwhile is filled up with zeros, one that grows is cut off, so that the archive stays one.
 */
export async function* directoryArchive(directory: OpenDirectory, prefix: string): AsyncGenerator<Buffer> {
  const inodes = new Map<string, string>();
  for (const { path, name, stat, parent } of walkRoot(directory)) yield* entryArchive(parent, name, `${prefix}${path}`, stat, inodes);
  yield tarEnd;
}

/** One name of a directory under another name: its header, and the content of a regular file. */
export async function* entryArchive(
  parent: OpenDirectory,
  name: string,
  shown: string,
  stat: Stats,
  inodes = new Map<string, string>(),
): AsyncGenerator<Buffer> {
  if (stat.isDirectory()) {
    yield directoryHeader(shown, stat);
    return;
  }
  const found = stillThere(() => ({
    xattrs: attributes(parent.bytePath(name)),
    linkName: stat.isSymbolicLink() ? readlinkSync(parent.path(name), "latin1") : "",
  }));
  if (!found) return;
  const entry = { ...tarEntryOf(stat), name: shown, xattrs: found.xattrs };
  if (stat.nlink > 1) {
    const key = `${stat.dev}:${stat.ino}`;
    const first = inodes.get(key);
    if (first !== undefined) {
      yield tarHeader({ ...entry, type: "link", linkName: first });
      return;
    }
    inodes.set(key, shown);
  }
  if (stat.isSymbolicLink()) yield tarHeader({ ...entry, type: "symlink", linkName: found.linkName, mode: 0o777 });
  else if (stat.isFile()) yield* fileArchive(parent, name, entry);
  else {
    const type = stat.isFIFO() ? "fifo" : stat.isBlockDevice() ? "block" : "char";
    yield tarHeader({ ...entry, type, ...(type === "fifo" ? {} : deviceNumbers(stat.rdev)) });
  }
}

/** Undefined for what the container has removed or replaced since it was seen. */
function stillThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (["ENOENT", "EINVAL"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
}

/** The entry of a directory alone. */
export function directoryHeader(shown: string, stat: Stats): Buffer {
  return tarHeader({ ...tarEntryOf(stat), type: "dir", name: shown.endsWith("/") ? shown : `${shown}/` });
}

async function* fileArchive(parent: OpenDirectory, name: string, entry: TarEntry): AsyncGenerator<Buffer> {
  const file = parent.openFile(name);
  if (!file) return; // it was replaced meanwhile
  try {
    const { size } = file.stat;
    yield tarHeader({ ...entry, ...tarEntryOf(file.stat), name: entry.name, xattrs: entry.xattrs, size });
    for (let left = size; left > 0; ) {
      const chunk = Buffer.allocUnsafe(Math.min(left, chunkBytes));
      const { bytesRead } = await readFd(file.fd, chunk, 0, chunk.length, null);
      const part = bytesRead === 0 ? chunk.fill(0) : chunk.subarray(0, bytesRead);
      yield part;
      left -= part.length;
    }
    if (size % 512 !== 0) yield padding(size);
  } finally {
    closeSync(file.fd);
  }
}

/** Capabilities are all that Docker's archives carry of the extended attributes. */
function attributes(path: string): Map<string, Buffer> {
  const value = syscalls().lgetxattr(path, "security.capability");
  return value ? new Map([["security.capability", value]]) : new Map();
}
