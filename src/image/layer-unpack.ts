import * as fs from "node:fs";
import { BerthError, errnoOf, libcPath, messageOf, nodePath, syscalls } from "../system/index.ts";
import type { TarEntry, TarSink } from "./tar-reader.ts";

export interface UnpackLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}
const defaultUnpackLimits: UnpackLimits = { maxEntries: 10_000_000, maxBytes: 2 ** 40 };

/**
 * Writes layer entries into one directory, as the layer's overlayfs lower directory: `.wh.x` becomes the device 0/0, `.wh..wh..opq` the
 * opaque attribute. All calls are synchronous: run it in a worker.
 * Invariants: every path is resolved component by component with lstat inside the directory (links as if it were "/"), the last component
 * is never followed, and the directory is not shared with anybody else while this runs. So no archive can reach outside.
 */
export class LayerUnpacker implements TarSink {
  private readonly root: string;
  private readonly lowerDirs: readonly string[];
  private readonly limits: UnpackLimits;
  private readonly whiteouts: boolean;
  private readonly realDirs = new Set<string>();
  private readonly dirTimes = new Map<string, number>();
  /** What this layer wrote: a whiteout hides lower layers only, wherever it stands. */
  private readonly written = new Set<string>();
  private fd: number | undefined;
  private current: { entry: TarEntry; path: string } | undefined;
  private entries = 0;
  /** Sum of the sizes of regular files. */
  bytes = 0;

  constructor(root: string, o: { lowerDirs?: readonly string[]; limits?: UnpackLimits; whiteouts?: boolean } = {}) {
    this.root = Buffer.from(root).toString("latin1");
    this.lowerDirs = (o.lowerDirs ?? []).map((dir) => Buffer.from(dir).toString("latin1"));
    this.limits = o.limits ?? defaultUnpackLimits;
    this.whiteouts = o.whiteouts ?? true;
  }

  entry(e: TarEntry): void {
    this.current = undefined;
    this.entries += 1;
    this.bytes += e.size;
    if (this.entries > this.limits.maxEntries) throw hostile(`it has more than ${this.limits.maxEntries} entries`);
    if (this.bytes > this.limits.maxBytes) throw hostile(`it unpacks to more than ${this.limits.maxBytes} bytes`);
    const parts = components(e.name);
    const base = parts.pop();
    try {
      if (base === undefined) {
        if (e.type === "dir") this.setMetadata(e, this.root);
        return;
      }
      const parent = this.parentOf(parts, e.name);
      if (this.whiteouts && base.startsWith(".wh.")) {
        this.whiteout(parent, base);
        return;
      }
      const path = `${parent}/${base}`;
      this.make(e, path);
      this.written.add(path);
    } catch (error) {
      throw this.failure(error, e);
    }
  }

  data(chunk: Buffer): void {
    if (this.fd === undefined) return;
    try {
      for (let at = 0; at < chunk.length; ) at += fs.writeSync(this.fd, chunk, at);
    } catch (error) {
      throw this.failure(error, this.current?.entry);
    }
  }

  endEntry(): void {
    if (this.fd === undefined || !this.current) return;
    fs.closeSync(this.fd);
    this.fd = undefined;
    try {
      this.setMetadata(this.current.entry, this.current.path);
    } catch (error) {
      throw this.failure(error, this.current.entry);
    }
  }

  /** Directory times last, because writing into a directory changes them. */
  finish(): void {
    for (const [path, mtime] of this.dirTimes) {
      try {
        fs.lutimesSync(nodePath(path), mtime, mtime);
      } catch (error) {
        if (errnoOf(error) !== "ENOENT") throw error;
      }
    }
  }

  close(): void {
    if (this.fd !== undefined) fs.closeSync(this.fd);
    this.fd = undefined;
  }

  private make(e: TarEntry, path: string): void {
    const old = lstat(path);
    if (old && !(old.isDirectory() && e.type === "dir")) this.removeOld(path);
    switch (e.type) {
      case "dir":
        if (!old?.isDirectory()) fs.mkdirSync(nodePath(path), 0o755);
        this.setMetadata(e, path);
        this.dirTimes.set(path, e.mtime);
        return;
      case "file":
        this.fd = fs.openSync(
          nodePath(path),
          fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_NOFOLLOW,
          0o600,
        );
        this.current = { entry: e, path };
        return;
      case "symlink":
        if (e.linkName === "") throw hostile("a symbolic link without a target");
        fs.symlinkSync(nodePath(e.linkName), nodePath(path));
        this.setMetadata(e, path);
        return;
      case "link":
        this.hardLink(e, path);
        return;
      case "char":
      case "block":
      case "fifo": {
        const kind = { char: 0o020000, block: 0o060000, fifo: 0o010000 }[e.type];
        syscalls().mknod(libcPath(path), kind | 0o600, e.type === "fifo" ? 0n : makedev(e.major, e.minor));
        this.setMetadata(e, path);
        return;
      }
      default:
        e.type satisfies never;
    }
  }

  private hardLink(e: TarEntry, path: string): void {
    const parts = components(e.linkName);
    const base = parts.pop();
    if (base === undefined) throw hostile(`"${shown(e.name)}" is a hard link to the root`);
    const parent = this.existingDir(parts, e.linkName);
    const target = parent === undefined ? undefined : `${parent}/${base}`;
    const stat = target === undefined ? undefined : lstat(target);
    if (target !== undefined && stat) {
      if (stat.isDirectory()) throw hostile(`"${shown(e.name)}" is a hard link to a directory`);
      fs.linkSync(nodePath(target), nodePath(path));
      return;
    }
    const lower = this.inLowerLayers([...parts, base]);
    if (!lower) throw hostile(`"${shown(e.name)}" is a hard link to "${shown(e.linkName)}", which is not in the image`);
    const from = fs.lstatSync(nodePath(lower));
    fs.copyFileSync(nodePath(lower), nodePath(path), fs.constants.COPYFILE_EXCL);
    fs.lchownSync(nodePath(path), from.uid, from.gid);
    fs.chmodSync(nodePath(path), from.mode & 0o7777);
    fs.lutimesSync(nodePath(path), from.mtimeMs / 1000, from.mtimeMs / 1000);
  }

  /** A regular file of a lower layer, never through a link. */
  private inLowerLayers(parts: readonly string[]): string | undefined {
    for (const dir of this.lowerDirs) {
      let path = dir;
      let stat: fs.Stats | undefined;
      for (const part of parts) {
        path = `${path}/${part}`;
        stat = lstat(path);
        if (!stat?.isDirectory()) break;
      }
      if (stat?.isFile() && path === `${dir}/${parts.join("/")}`) return path;
      if (stat?.isCharacterDevice()) return undefined;
    }
    return undefined;
  }

  private whiteout(parent: string, base: string): void {
    if (base === ".wh..wh..opq") {
      if (parent !== this.root) syscalls().lsetxattr(libcPath(parent), "trusted.overlay.opaque", Buffer.from("y"));
      return;
    }
    if (base.startsWith(".wh..wh.")) return; // aufs bookkeeping
    const name = base.slice(".wh.".length);
    if (name === "" || name === "." || name === "..") throw hostile(`a whiteout named "${shown(base)}"`);
    const path = `${parent}/${name}`;
    const old = lstat(path);
    if (old && this.written.has(path)) {
      // The same layer also has the new thing: what lies below must not show through a directory.
      if (old.isDirectory()) syscalls().lsetxattr(libcPath(path), "trusted.overlay.opaque", Buffer.from("y"));
      return;
    }
    if (old) this.removeOld(path);
    syscalls().mknod(libcPath(path), 0o020000, 0n);
  }

  /** The directory for an entry, made where missing (0755 root). */
  private parentOf(parts: readonly string[], name: string): string {
    return this.walk(parts, name, true)!; // with `create` it always ends in a directory or throws
  }

  private existingDir(parts: readonly string[], name: string): string | undefined {
    return this.walk(parts, name, false);
  }

  private walk(parts: readonly string[], name: string, create: boolean): string | undefined {
    const plain = parts.length === 0 ? this.root : `${this.root}/${parts.join("/")}`;
    if (plain === this.root || this.realDirs.has(plain)) return plain;
    const queue = [...parts];
    const done: string[] = [];
    for (let links = 0; queue.length > 0; ) {
      const part = queue.shift()!;
      if (part === "" || part === ".") continue;
      if (part === "..") {
        done.pop();
        continue;
      }
      const path = [this.root, ...done, part].join("/");
      const stat = this.realDirs.has(path) ? undefined : lstat(path);
      if (!stat && !this.realDirs.has(path)) {
        if (!create) return undefined;
        fs.mkdirSync(nodePath(path), 0o755);
      } else if (stat?.isSymbolicLink()) {
        links += 1;
        if (links > 40) throw hostile(`"${shown(name)}" leads through too many symbolic links`);
        const target = fs.readlinkSync(nodePath(path), "latin1");
        if (target.startsWith("/")) done.length = 0;
        queue.unshift(...target.split("/"));
        continue;
      } else if (stat && !stat.isDirectory()) {
        if (!create) return undefined;
        this.removeOld(path);
        fs.mkdirSync(nodePath(path), 0o755);
      }
      this.realDirs.add(path);
      done.push(part);
    }
    return [this.root, ...done].join("/");
  }

  private removeOld(path: string): void {
    fs.rmSync(nodePath(path), { recursive: true, force: true });
    this.realDirs.clear();
    for (const key of this.dirTimes.keys()) if (key === path || key.startsWith(`${path}/`)) this.dirTimes.delete(key);
  }

  /** Owner before mode (chown clears setuid), attributes after both (chown drops capabilities), time last. */
  private setMetadata(e: TarEntry, path: string): void {
    fs.lchownSync(nodePath(path), e.uid, e.gid);
    if (e.type !== "symlink") fs.chmodSync(nodePath(path), e.mode);
    for (const [key, value] of e.xattrs) {
      // Overlay's own attributes would let an archive redirect a directory to another one.
      if (/^(trusted|user)\.overlay\./.test(key)) continue;
      try {
        syscalls().lsetxattr(libcPath(path), key, value);
      } catch (error) {
        if (!ignorable(error)) throw error;
      }
    }
    fs.lutimesSync(nodePath(path), e.mtime, e.mtime);
  }

  private failure(error: unknown, e: TarEntry | undefined): unknown {
    if (error instanceof BerthError) return error;
    if (errnoOf(error) === "ENOSPC" || errnoOf(error) === "EDQUOT")
      return new BerthError("system/disk-full", `the disk is full while unpacking "${shown(e?.name ?? "")}"`, { cause: error });
    return new BerthError("image/bad-archive", `cannot unpack "${shown(e?.name ?? "")}": ${messageOf(error)}`, { cause: error });
  }
}

/** Path components of a member's name: relative, cleaned; `..` is refused. */
function components(name: string): string[] {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw hostile(`"${shown(name)}" points outside`);
  return parts;
}

function lstat(path: string): fs.Stats | undefined {
  return fs.lstatSync(nodePath(path), { throwIfNoEntry: false });
}

function makedev(major: number, minor: number): bigint {
  const [a, b] = [BigInt(major), BigInt(minor)];
  return ((a & 0xfffff000n) << 32n) | ((a & 0xfffn) << 8n) | ((b & 0xffffff00n) << 12n) | (b & 0xffn);
}

/** File systems and name spaces that cannot hold an attribute: the file is still good. */
function ignorable(error: unknown): boolean {
  const code = error instanceof BerthError ? errnoOf(error.cause) : undefined;
  return code === "ENOTSUP" || code === "EOPNOTSUPP";
}

function shown(name: string): string {
  return Buffer.from(name, "latin1")
    .toString("utf8")
    .replace(/[\x00-\x1f\x7f]/g, "?");
}

function hostile(why: string): BerthError {
  return new BerthError("image/bad-archive", `the archive is refused: ${why}`);
}
