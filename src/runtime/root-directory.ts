import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  type Stats,
  unlinkSync,
} from "node:fs";
import { errnoOf, nodePath, O_PATH, openInRoot } from "../system/index.ts";

/** Links in one path, as the kernel allows (path_resolution(7)). */
const maxLinks = 40;
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/**
 * One directory by its handle. A name in it is reached through `/proc/self/fd`, so that whoever renames or replaces what lies above it, or
 * puts a link in the name's place, changes nothing of where this leads: only the last component is looked up, and it is never followed.
 */
export class OpenDirectory {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** The host's path of a name in here (byte string), for calls that do not follow a link in their last component. */
  path(name: string): ReturnType<typeof nodePath> {
    return nodePath(this.bytePath(name));
  }
  bytePath(name: string): string {
    return `/proc/self/fd/${this.fd}/${name}`;
  }

  names(): string[] {
    return readdirSync(`/proc/self/fd/${this.fd}`, { encoding: "latin1" }).sort();
  }

  lstat(name: string): Stats | undefined {
    try {
      return lstatSync(this.path(name));
    } catch (error) {
      if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
      throw error;
    }
  }

  /** @throws ENOTDIR or ELOOP where the name is no directory (any more) */
  child(name: string): OpenDirectory {
    return new OpenDirectory(openSync(this.path(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  }

  /** The content of a regular file, or undefined where the name has become something else. A pipe or device is never waited for. */
  openFile(name: string): { fd: number; stat: Stats } | undefined {
    let fd: number;
    try {
      fd = openSync(this.path(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      if (["ENOENT", "ELOOP", "ENXIO"].includes(errnoOf(error) ?? "")) return undefined;
      throw error;
    }
    const stat = fstatSync(fd);
    if (stat.isFile()) return { fd, stat };
    closeSync(fd);
    return undefined;
  }

  /** A handle of the thing itself, also of a link, pipe or device. */
  openThing(name: string): number {
    return openSync(this.path(name), O_PATH | O_NOFOLLOW);
  }

  /** Removes a name and, of a directory, everything below it. What is not there is removed. */
  remove(name: string): void {
    try {
      unlinkSync(this.path(name));
      return;
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === "ENOENT") return;
      if (errno !== "EISDIR" && errno !== "EPERM") throw error;
      if (!this.lstat(name)?.isDirectory()) throw error;
    }
    const child = this.child(name);
    try {
      for (const inner of child.names()) child.remove(inner);
    } finally {
      child.close();
    }
    rmdirSync(this.path(name));
  }

  stat(): Stats {
    return fstatSync(this.fd);
  }

  close(): void {
    closeSync(this.fd);
  }
  [Symbol.dispose](): void {
    this.close();
  }
}

/** The root of a container's files: paths are looked up as the container's own kernel would, and never lead out. Close it. */
export class RootDirectory {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, O_RDONLY | O_DIRECTORY);
  }

  /** @throws BerthError system/syscall with ENOENT, ENOTDIR or ELOOP as its cause's code */
  directory(path: string): OpenDirectory {
    return new OpenDirectory(openInRoot(this.#fd, path, O_RDONLY | O_DIRECTORY));
  }

  /** Where a path leads to when all its links are followed, as the container names it. What does not exist is kept as it is. */
  resolved(path: string): string {
    let done: string[] = [];
    let rest = path.split("/");
    for (let links = 0; rest.length > 0; ) {
      const [name = "", ...others] = rest;
      rest = others;
      if (name === "" || name === ".") continue;
      if (name === "..") {
        done = done.slice(0, -1);
        continue;
      }
      const target = this.#linkTarget(done.join("/"), name);
      if (target === undefined) {
        done = [...done, name];
        continue;
      }
      if (++links > maxLinks) break;
      if (target.startsWith("/")) done = [];
      rest = [...target.split("/"), ...rest];
    }
    return `/${done.join("/")}`;
  }

  #linkTarget(parent: string, name: string): string | undefined {
    let directory: OpenDirectory;
    try {
      directory = this.directory(parent);
    } catch {
      return undefined; // it does not exist: its text is its name
    }
    try {
      return directory.lstat(name)?.isSymbolicLink() ? readlinkSync(directory.path(name), "latin1") : undefined;
    } finally {
      directory.close();
    }
  }

  isDirectory(path: string): boolean {
    try {
      this.directory(path).close();
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
  [Symbol.dispose](): void {
    this.close();
  }
}
