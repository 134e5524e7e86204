import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { posix } from "node:path";
import { BerthError, errnoOf, O_PATH, openInside } from "../system/index.ts";

/**
 * A directory in a running container, as its processes see it: with its volumes and bind mounts. Files are written straight into it, without a process.
 * Invariants: no path is followed out of the directory, whatever links are in it or are made meanwhile (openat2, then one component at a time through a
 * descriptor); a file is replaced as a whole by rename; what is made belongs to whom the directory around it (or the file before it) belongs.
 */
export class ContainerTree implements Disposable {
  readonly #base: number;
  readonly #directories = new Map<string, number>();

  private constructor(base: number) {
    this.#base = base;
  }

  /**
   * The directory `path` of the container whose process is `pid` and whose root the engine sees at `rootfs`. Made where it does not exist.
   * @throws BerthError container/not-running where the process is not (or no longer) this container's
   */
  static open(o: { pid: number; rootfs: string; path: string }): ContainerTree {
    let root: number;
    try {
      root = openSync(`/proc/${o.pid}/root`, O_PATH | constants.O_DIRECTORY);
    } catch {
      throw notRunning();
    }
    try {
      // A pid that was given to another process meanwhile has another root.
      const [seen, own] = [fstatSync(root), lstatSync(o.rootfs)];
      if (seen.dev !== own.dev || seen.ino !== own.ino) throw notRunning();
      return new ContainerTree(makeDirectories(root, o.path.replace(/^\/+/, ""), "root"));
    } finally {
      closeSync(root);
    }
  }

  /** Copies a file, link or directory of the host to `path` (relative). Answers whether anything had to be done; `ifDifferent`: not where size, time and mode are the same. */
  put(from: string, stat: Stats, path: string, o: { ifDifferent: boolean }): boolean {
    if (stat.isDirectory()) {
      const made = this.stat(path) === undefined;
      const directory = this.#directory(path);
      if (made) chmodSync(`/proc/self/fd/${directory}`, stat.mode & 0o7777);
      return made;
    }
    const there = this.stat(path);
    if (o.ifDifferent && there && isSame(from, stat, there, () => this.link(path))) return false;
    const parent = this.#directory(posix.dirname(path));
    const owner = there && !there.isDirectory() ? there : fstatSync(parent);
    if (there?.isDirectory()) this.remove(path);
    const name = posix.basename(path);
    const to = `/proc/self/fd/${parent}/${name}`;
    const temporary = `/proc/self/fd/${parent}/.${name.slice(0, 200)}.berth-sync`;
    makeTemporary(temporary, () =>
      stat.isSymbolicLink() ? makeLink(from, temporary, stat, owner) : makeFile(from, temporary, stat, owner),
    );
    try {
      renameSync(temporary, to);
    } catch (error) {
      unlinkIfThere(temporary);
      if (errnoOf(error) !== "EBUSY" || !stat.isFile()) throw error;
      writeOver(from, to); // a file that is mounted of its own cannot be replaced
    }
    return true;
  }

  /** Removes what is there, with everything below. A mount point stays. Answers whether there was something. */
  remove(path: string): boolean {
    const there = this.stat(path);
    if (!there) return false;
    const directory = posix.dirname(path);
    for (const known of this.#directories.keys()) if (known === path || known.startsWith(`${path}/`)) this.#forget(known);
    removeEntry(this.#directory(directory), posix.basename(path), there.isDirectory());
    return true;
  }

  stat(path: string): Stats | undefined {
    const parent = this.#existing(posix.dirname(path));
    if (parent === undefined) return undefined;
    return lstatSync(`/proc/self/fd/${parent}/${posix.basename(path)}`, { throwIfNoEntry: false });
  }

  link(path: string): string {
    const parent = this.#existing(posix.dirname(path));
    return readlinkSync(`/proc/self/fd/${parent}/${posix.basename(path)}`);
  }

  #existing(path: string): number | undefined {
    if (path === "." || path === "") return this.#base;
    const known = this.#directories.get(path);
    if (known !== undefined) return known;
    try {
      return this.#keep(path, openInside(this.#base, path, "beneath"));
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(causeCode(error))) return undefined;
      throw leadsOut(path, error);
    }
  }

  #directory(path: string): number {
    const existing = this.#existing(path);
    if (existing !== undefined) return existing;
    try {
      return this.#keep(path, makeDirectories(this.#base, path, "beneath"));
    } catch (error) {
      throw leadsOut(path, error);
    }
  }

  #keep(path: string, fd: number): number {
    if (this.#directories.size > 500) for (const known of [...this.#directories.keys()]) this.#forget(known);
    this.#directories.set(path, fd);
    return fd;
  }

  #forget(path: string): void {
    const fd = this.#directories.get(path);
    this.#directories.delete(path);
    if (fd !== undefined) closeSync(fd);
  }

  [Symbol.dispose](): void {
    for (const path of [...this.#directories.keys()]) this.#forget(path);
    closeSync(this.#base);
  }
}

/** Opens a directory, and makes it and those above it where they do not exist; they belong to the owner of the one above. A file in the way is removed. */
function makeDirectories(base: number, path: string, confinement: "root" | "beneath"): number {
  try {
    return openInside(base, path, confinement);
  } catch (error) {
    const code = causeCode(error);
    if ((code !== "ENOENT" && code !== "ENOTDIR") || path === "" || path === ".") throw error;
    const parent = makeDirectories(base, posix.dirname(path).replace(/^\.$/, ""), confinement);
    try {
      const place = `/proc/self/fd/${parent}/${posix.basename(path)}`;
      if (lstatSync(place, { throwIfNoEntry: false })) {
        // A target that is a file is the user's mistake; a file below it, where the source has a directory, was replaced by that.
        if (confinement === "root") throw error;
        unlinkSync(place);
      }
      mkdirSync(place, 0o755);
      const owner = fstatSync(parent);
      lchownSync(place, owner.uid, owner.gid);
      return openInside(parent, posix.basename(path), "no-links");
    } finally {
      closeSync(parent);
    }
  }
}

/** Removes one entry of an open directory; goes down by descriptors, never by a path of several components, so that a link that is put in its way is not followed. */
function removeEntry(parent: number, name: string, isDirectory: boolean): void {
  const place = `/proc/self/fd/${parent}/${name}`;
  try {
    if (!isDirectory) {
      unlinkSync(place);
      return;
    }
    const directory = openInside(parent, name, "no-links");
    try {
      for (const entry of readdirSync(`/proc/self/fd/${directory}`, { withFileTypes: true }))
        removeEntry(directory, entry.name, entry.isDirectory());
    } finally {
      closeSync(directory);
    }
    rmdirSync(place);
  } catch (error) {
    const code = errnoOf(error) ?? "";
    // A mount in it keeps it; something that was made meanwhile as well.
    if (!["ENOENT", "EBUSY", "ENOTEMPTY"].includes(code) && causeCode(error) !== "ENOENT") throw error;
  }
}

function isSame(from: string, stat: Stats, there: Stats, linkThere: () => string): boolean {
  if (stat.isSymbolicLink()) return there.isSymbolicLink() && readlinkSync(from) === linkThere();
  return (
    there.isFile() &&
    there.size === stat.size &&
    (there.mode & 0o7777) === (stat.mode & 0o7777) &&
    Math.abs(there.mtimeMs - stat.mtimeMs) < 0.01
  );
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** One that a killed engine left is in nobody's use. */
function makeTemporary(path: string, make: () => void): void {
  try {
    make();
  } catch (error) {
    unlinkIfThere(path);
    if (errnoOf(error) !== "EEXIST") throw error;
    make();
  }
}

function makeLink(from: string, to: string, stat: Stats, owner: Owner): void {
  symlinkSync(readlinkSync(from), to);
  lchownSync(to, owner.uid, owner.gid);
  lutimesSync(to, stat.atimeMs / 1000, stat.mtimeMs / 1000);
}

/** Everything by descriptor: a process in the container could put a link in the place of the new name. */
function makeFile(from: string, to: string, stat: Stats, owner: Owner): void {
  const fd = openSync(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    copyContent(from, fd);
    fchownSync(fd, owner.uid, owner.gid);
    fchmodSync(fd, stat.mode & 0o7777); // after chown, which takes set-id bits away
    futimesSync(fd, stat.atimeMs / 1000, stat.mtimeMs / 1000);
  } finally {
    closeSync(fd);
  }
}

function writeOver(from: string, to: string): void {
  const fd = openSync(to, constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    copyContent(from, fd);
  } finally {
    closeSync(fd);
  }
}

function copyContent(from: string, to: number): void {
  const fd = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const chunk = Buffer.allocUnsafe(Math.min(1 << 20, fstatSync(fd).size + 1));
    for (let length = readSync(fd, chunk); length > 0; length = readSync(fd, chunk))
      for (let written = 0; written < length; ) written += writeSync(to, chunk, written, length - written);
  } finally {
    closeSync(fd);
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}

function causeCode(error: unknown): string {
  return error instanceof BerthError ? (errnoOf(error.cause) ?? "") : "";
}

function leadsOut(path: string, error: unknown): unknown {
  const code = causeCode(error);
  if (code !== "EXDEV" && code !== "ELOOP") return error;
  return new BerthError("runtime/outside-target", `${path} leads out of the target through a link in the container`, { cause: error });
}

const notRunning = () => new BerthError("container/not-running", "the container is not running any more");
