import { chmodSync, chownSync, lchownSync, lstatSync, lutimesSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { BerthError, syscalls } from "../../system/index.ts";
import { isOpaque, isWhiteout, MergedTree } from "./merged-tree.ts";
import type { Lookup } from "./resolve-path.ts";
import type { SourceEntry } from "./source-tree.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * A root file system made of finished layers and one new upper directory, written without a mount. Every path that is given is already
 * resolved (`resolvePath`), so no link of the image is ever followed by the kernel.
 */
export class WritableRoot implements Lookup {
  readonly upper: string;
  private readonly lower: MergedTree;
  /** Directories that are in the upper directory; those that are only there have nothing that the layers below could add. */
  private readonly directories = new Map<string, { onlyHere: boolean }>();

  constructor(lowerDirs: readonly string[], upper: string) {
    this.upper = upper;
    this.lower = new MergedTree(lowerDirs, "the image");
  }

  hostPath(path: string): string {
    return join(this.upper, path);
  }

  entry(path: string): SourceEntry | undefined {
    const hostPath = this.hostPath(path);
    const stat = lstatSync(hostPath, { bigint: true, throwIfNoEntry: false });
    if (stat) return isWhiteout(stat) ? undefined : { path, name: path.slice(path.lastIndexOf("/") + 1), hostPath, stat };
    if (this.directories.get(parentOf(path))?.onlyHere || this.hidesLower(path)) return undefined;
    return this.lower.entry(path);
  }

  /** Makes a directory and its missing parents in the upper directory, or takes up the one of the layers below with its metadata. True: it is new. */
  makeDirectory(path: string, made: { mode: number; owner: Owner }): boolean {
    if (path === "" || this.directories.has(path)) return false;
    const hostPath = this.hostPath(path);
    const own = lstatSync(hostPath, { throwIfNoEntry: false });
    if (own?.isDirectory()) return false;
    const existing = this.entry(path);
    if (existing && !existing.stat.isDirectory()) throw new BerthError("build/context", `cannot copy to non-directory: /${path}`);
    this.makeDirectory(parentOf(path), made);
    if (own) rmSync(hostPath);
    mkdirSync(hostPath);
    this.directories.set(path, { onlyHere: !existing });
    if (existing) copyMetadata(existing, hostPath);
    else {
      chownSync(hostPath, made.owner.uid, made.owner.gid);
      chmodSync(hostPath, made.mode);
      if (own) syscalls().lsetxattr(hostPath, "trusted.overlay.opaque", Buffer.from("y"));
    }
    return !existing;
  }

  /** Frees the place of a file-like entry in the upper directory; its parent must exist there. Throws where a directory stands. */
  makeRoomForFile(path: string): string {
    const existing = this.entry(path);
    if (existing?.stat.isDirectory()) throw new BerthError("build/context", `cannot copy to directory: /${path}`);
    const hostPath = this.hostPath(path);
    // What is hidden there by a whiteout is no entry, but its mark stands in the way.
    if (existing || !this.directories.get(parentOf(path))?.onlyHere) rmSync(hostPath, { force: true });
    return hostPath;
  }

  /** Whether the upper directory cuts off the layers below at this path or above it. */
  private hidesLower(path: string): boolean {
    for (let at = dirname(path); at !== "." && at !== "/"; at = dirname(at)) {
      const stat = lstatSync(this.hostPath(at), { throwIfNoEntry: false });
      if (!stat) continue;
      return !stat.isDirectory() || isOpaque(this.hostPath(at)) || (at.includes("/") && this.hidesLower(at));
    }
    return false;
  }
}

const parentOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf("/"), 0));

/** Owner, mode, extended attributes and times of an entry, in the order in which they do not undo each other. */
function copyMetadata(from: SourceEntry, toHostPath: string): void {
  lchownSync(toHostPath, Number(from.stat.uid), Number(from.stat.gid));
  if (!from.stat.isSymbolicLink()) chmodSync(toHostPath, Number(from.stat.mode & 0o7777n));
  copyExtendedAttributes(from.hostPath, toHostPath);
  lutimesSync(toHostPath, seconds(from.stat.atimeNs), seconds(from.stat.mtimeNs));
}

/** user.* and security.capability: what an image keeps. */
export function copyExtendedAttributes(fromHostPath: string, toHostPath: string): void {
  for (const name of syscalls().llistxattr(fromHostPath)) {
    if (!name.startsWith("user.") && name !== "security.capability") continue;
    const value = syscalls().lgetxattr(fromHostPath, name);
    if (value) syscalls().lsetxattr(toHostPath, name, value);
  }
}

export const seconds = (nanoseconds: bigint): number => Number(nanoseconds) / 1e9;
