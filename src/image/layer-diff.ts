import * as fs from "node:fs";
import { libcPath, nodePath, syscalls } from "../system/index.ts";
import { deviceNumbers, tarEntryOf } from "./tar-entry.ts";
import { padding, tarEnd, tarHeader } from "./tar-writer.ts";

/**
 * The layer tar of an overlay upper directory: sorted, numeric owners, whole seconds, so the same directory gives the same bytes.
 * Device 0/0 becomes `.wh.NAME`, an opaque directory starts with `.wh..wh..opq`, names of one inode become hard links, sockets are left out.
 */
export function* layerTar(upperDir: string, read: ReadFile = content): Generator<Buffer> {
  const root = Buffer.from(upperDir).toString("latin1");
  yield* children(root, "", new Map(), read);
  yield tarEnd;
}

/** Gives the content of a file of that size with its padding. */
export type ReadFile = (path: string, size: number) => Iterable<Buffer>;

/** First names of the inodes that an archive has so far. */
export type Inodes = Map<string, string>;

function* children(root: string, at: string, inodes: Inodes, read: ReadFile): Generator<Buffer> {
  const names = fs.readdirSync(nodePath(`${root}/${at}`), { encoding: "latin1" }).sort();
  for (const name of names) {
    const relative = at === "" ? name : `${at}/${name}`;
    const path = `${root}/${relative}`;
    const stat = fs.lstatSync(nodePath(path));
    if (stat.isCharacterDevice() && stat.rdev === 0) {
      yield tarHeader({ ...tarEntryOf(stat), name: at === "" ? `.wh.${name}` : `${at}/.wh.${name}`, mode: 0o600, uid: 0, gid: 0 });
      continue;
    }
    yield* entryBytes(path, relative, stat, inodes, read);
    if (!stat.isDirectory()) continue;
    if (isOpaque(path)) yield tarHeader({ ...tarEntryOf(stat), name: `${relative}/.wh..wh..opq` });
    yield* children(root, relative, inodes, read);
  }
}

/** One entry under a name in an archive, with its content; a further name of an inode is a hard link, a socket is nothing. */
export function* entryBytes(path: string, name: string, stat: fs.Stats, inodes: Inodes, read: ReadFile = content): Generator<Buffer> {
  if (stat.isSocket()) return;
  const entry = { ...tarEntryOf(stat), name };
  if (!stat.isDirectory() && stat.nlink > 1) {
    const key = `${stat.dev}:${stat.ino}`;
    const first = inodes.get(key);
    if (first !== undefined) {
      yield tarHeader({ ...entry, type: "link", linkName: first });
      return;
    }
    inodes.set(key, name);
  }
  entry.xattrs = attributes(path);
  if (stat.isDirectory()) yield tarHeader({ ...entry, type: "dir", name: `${name}/` });
  else if (stat.isSymbolicLink())
    yield tarHeader({ ...entry, type: "symlink", linkName: fs.readlinkSync(nodePath(path), "latin1"), mode: 0o777 });
  else if (stat.isFile()) {
    yield tarHeader({ ...entry, size: stat.size });
    yield* read(path, stat.size);
  } else {
    const type = stat.isFIFO() ? "fifo" : stat.isBlockDevice() ? "block" : "char";
    yield tarHeader({ ...entry, type, ...(type === "fifo" ? {} : deviceNumbers(stat.rdev)) });
  }
}

export function isOpaque(path: string): boolean {
  return syscalls().lgetxattr(libcPath(path), "trusted.overlay.opaque")?.toString() === "y";
}

function attributes(path: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  const file = libcPath(path);
  for (const key of syscalls().llistxattr(file)) {
    if (/^(trusted|user)\.overlay\./.test(key) || key === "security.selinux" || key.startsWith("system.")) continue;
    const value = syscalls().lgetxattr(file, key);
    if (value) found.set(key, Buffer.from(value));
  }
  return found;
}

export function* content(path: string, size: number): Generator<Buffer> {
  const fd = fs.openSync(nodePath(path), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  try {
    for (let left = size; left > 0; ) {
      const chunk = Buffer.allocUnsafe(Math.min(left, 1 << 20));
      const read = fs.readSync(fd, chunk, 0, chunk.length, null);
      // A file that shrank meanwhile is filled up, so that the archive stays one.
      const part = read === 0 ? chunk.fill(0) : chunk.subarray(0, read);
      yield part;
      left -= part.length;
    }
  } finally {
    fs.closeSync(fd);
  }
  if (size % 512 !== 0) yield padding(size);
}

/** Bytes of the archive that `layerTar` makes; reads no file. */
export function tarSize(upperDir: string): number {
  let size = 0;
  const unread = (_: string, bytes: number): Iterable<Buffer> => {
    size += bytes + padding(bytes).length;
    return [];
  };
  for (const piece of layerTar(upperDir, unread)) size += piece.length;
  return size;
}
