import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  type Stats,
  symlinkSync,
  writeSync,
} from "node:fs";
import type { TarEntry, TarSink } from "../../image/index.ts";
import type { OpenDirectory, RootDirectory } from "../../runtime/index.ts";
import { BerthError, errnoOf, libcPath, nodePath, syscalls } from "../../system/index.ts";

export interface WriteArchiveOptions {
  /** Refuses to replace a directory by something else, and the other way round. */
  readonly noOverwriteDirNonDir: boolean;
  /** Whoever shall own everything; undefined: as the archive says. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/**
 * Writes the entries of an archive below a directory of a container. Every directory is looked up inside the container's root, entry by entry,
 * and its names are reached through its handle: no link in the archive, and none that the container makes meanwhile, leads out.
 */
export class ArchiveWriter implements TarSink {
  readonly #root: RootDirectory;
  readonly #at: string;
  readonly #o: WriteArchiveOptions;
  readonly #directoryTimes: { path: string; seconds: number }[] = [];
  #file: { fd: number; entry: TarEntry; parent: OpenDirectory; name: string } | undefined;

  constructor(root: RootDirectory, at: string, o: WriteArchiveOptions) {
    this.#root = root;
    this.#at = at;
    this.#o = o;
  }

  entry(entry: TarEntry): void {
    const { parent: parentPath, name } = place(entry.name);
    if (name === undefined) return; // "./": the directory is there already
    const parent = this.#parent(parentPath);
    let keep = false;
    try {
      this.#clear(parent, name, entry);
      keep = this.#make(parent, name, entry);
      if (entry.type === "dir") this.#directoryTimes.push({ path: joined(parentPath, name), seconds: entry.mtime });
    } finally {
      if (!keep) parent.close();
    }
  }

  data(chunk: Buffer): void {
    if (!this.#file) return;
    for (let at = 0; at < chunk.length; ) at += writeSync(this.#file.fd, chunk, at);
  }

  endEntry(): void {
    const file = this.#file;
    if (!file) return;
    this.#file = undefined;
    try {
      this.#own(file.fd, file.entry);
      for (const [key, value] of file.entry.xattrs) setAttribute(file.parent.bytePath(file.name), key, value);
      futimesSync(file.fd, file.entry.mtime, file.entry.mtime);
    } finally {
      closeSync(file.fd);
      file.parent.close();
    }
  }

  /** Directories get their times last: writing into them changes those. */
  finish(): void {
    for (const { path, seconds } of this.#directoryTimes.reverse()) {
      try {
        const directory = this.#root.directory(joined(this.#at, path));
        futimesSync(directory.fd, seconds, seconds);
        directory.close();
      } catch {
        // The archive itself, or the container, put something else there.
      }
    }
  }

  /** After an error: nothing stays open. */
  close(): void {
    if (!this.#file) return;
    closeSync(this.#file.fd);
    this.#file.parent.close();
    this.#file = undefined;
  }

  /** The directory for an entry, made where missing (0755). */
  #parent(path: string): OpenDirectory {
    const whole = joined(this.#at, path);
    try {
      return this.#root.directory(whole);
    } catch (error) {
      if (path === "" || errnoOf(error) !== "ENOENT") throw error;
      const { parent, name } = place(path);
      const above = this.#parent(parent);
      try {
        if (name !== undefined) makeDirectory(above, name);
      } finally {
        above.close();
      }
      return this.#root.directory(whole);
    }
  }

  /** Takes away what stands where the entry goes, by Docker's rules. */
  #clear(parent: OpenDirectory, name: string, entry: TarEntry): void {
    const old: Stats | undefined = parent.lstat(name);
    if (!old) return;
    const isDirectory = entry.type === "dir";
    if (old.isDirectory() && isDirectory) return;
    if (this.#o.noOverwriteDirNonDir && old.isDirectory() !== isDirectory) {
      const [from, to] = isDirectory ? ["non-directory", "directory"] : ["directory", "non-directory"];
      throw new BerthError("api/bad-parameter", `cannot overwrite ${from} "${text(name)}" with ${to} "/${text(this.#at)}"`);
    }
    parent.remove(name);
  }

  /** True where the parent is still needed: the content of a file follows. */
  #make(parent: OpenDirectory, name: string, entry: TarEntry): boolean {
    switch (entry.type) {
      case "dir": {
        makeDirectory(parent, name);
        const directory = parent.child(name);
        this.#own(directory.fd, entry);
        directory.close();
        return false;
      }
      case "file":
        this.#file = { fd: openSync(parent.path(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600), entry, parent, name };
        return true;
      case "symlink":
        symlinkSync(nodePath(entry.linkName), parent.path(name));
        this.#ownLink(parent, name, entry);
        return false;
      case "link": {
        const target = place(entry.linkName);
        const from = this.#root.directory(joined(this.#at, target.parent));
        try {
          linkSync(from.path(target.name ?? "."), parent.path(name));
        } finally {
          from.close();
        }
        return false;
      }
      case "char":
      case "block":
      case "fifo": {
        const kind = { char: 0o020000, block: 0o060000, fifo: 0o010000 }[entry.type];
        const device = entry.type === "fifo" ? 0n : makedev(entry.major, entry.minor);
        syscalls().mknod(libcPath(parent.bytePath(name)), kind | 0o600, device);
        this.#ownLink(parent, name, entry);
        const thing = parent.openThing(name);
        chmodSync(`/proc/self/fd/${thing}`, entry.mode & 0o7777);
        closeSync(thing);
        return false;
      }
      default:
        return entry.type satisfies never;
    }
  }

  #own(fd: number, entry: TarEntry): void {
    const { uid, gid } = this.#o.owner ?? entry;
    fchownSync(fd, uid, gid);
    fchmodSync(fd, entry.mode & 0o7777);
  }
  #ownLink(parent: OpenDirectory, name: string, entry: TarEntry): void {
    const { uid, gid } = this.#o.owner ?? entry;
    lchownSync(parent.path(name), uid, gid);
    lutimesSync(parent.path(name), entry.mtime, entry.mtime);
  }
}

function makeDirectory(parent: OpenDirectory, name: string): void {
  try {
    mkdirSync(parent.path(name), 0o755);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}

/** A name of an archive, below the directory that is written to. @throws BerthError api/bad-parameter for one that leads above it, as Docker refuses it */
function place(name: string): { parent: string; name: string | undefined } {
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === ".." && parts.pop() === undefined)
      throw new BerthError("api/bad-parameter", `invalid entry name "${text(name)}": it leads out of the directory`);
    if (part === "..") continue;
    if (part !== "" && part !== ".") parts.push(part);
  }
  const last = parts.pop();
  return { parent: parts.join("/"), name: last };
}

function setAttribute(path: string, key: string, value: Buffer): void {
  if (key.startsWith("trusted.")) return; // overlayfs keeps its own books there
  try {
    syscalls().lsetxattr(libcPath(path), key, value);
  } catch (error) {
    // As with Docker, a file system without attributes takes the file without them.
    if (!["ENOTSUP", "EOPNOTSUPP", "EPERM"].includes(errnoOf(error) ?? "")) throw error;
  }
}

const joined = (a: string, b: string) => [a, b].filter(Boolean).join("/");
const text = (name: string) => Buffer.from(name, "latin1").toString();
const makedev = (major: number, minor: number): bigint => {
  const [a, b] = [BigInt(major), BigInt(minor)];
  return (b & 0xffn) | ((a & 0xfffn) << 8n) | ((b & ~0xffn) << 12n) | ((a & ~0xfffn) << 32n);
};
