import type { Stats } from "node:fs";
import { statfsSync } from "node:fs";
import { errnoOf, fileSystemMagic } from "../system/index.ts";
import type { OpenDirectory } from "./root-directory.ts";

export interface WalkedEntry {
  /** Below the directory that is walked, without a leading "/": a byte string. */
  readonly path: string;
  readonly name: string;
  readonly stat: Stats;
  /** The open directory that holds it; valid until the next step. */
  readonly parent: OpenDirectory;
}

/** File systems that are the kernel's own: what is in them is no content of a container (statfs(2), f_type). */
const { tmpfs, ...kernelOnly } = fileSystemMagic;
const kernelFileSystems: ReadonlySet<number> = new Set(Object.values(kernelOnly));

/** Everything below a directory, each directory before what is in it, by name. What vanishes meanwhile is left out; proc, sys, dev and their like are shown empty. */
export function* walkRoot(directory: OpenDirectory, at = "", device?: number): Generator<WalkedEntry> {
  for (const name of directory.names()) {
    const stat = directory.lstat(name);
    if (!stat || stat.isSocket()) continue;
    const path = at === "" ? name : `${at}/${name}`;
    yield { path, name, stat, parent: directory };
    if (!stat.isDirectory()) continue;
    let child: OpenDirectory;
    try {
      child = directory.child(name);
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(error) ?? "")) continue;
      throw error;
    }
    try {
      if (stat.dev !== device && isKernels(child, path)) continue;
      yield* walkRoot(child, path, stat.dev);
    } finally {
      child.close();
    }
  }
}

function isKernels(directory: OpenDirectory, path: string): boolean {
  const { type } = statfsSync(`/proc/self/fd/${directory.fd}`);
  return kernelFileSystems.has(type) || (type === tmpfs && path === "dev");
}
