import { type BigIntStats, lstatSync, readdirSync } from "node:fs";
import { errnoOf, syscalls } from "../../system/index.ts";
import { joinPath, type SourceEntry, type SourceTree } from "./source-tree.ts";

/** A stack of overlay directories, top first, read as the kernel would show it: whiteouts hide, opaque directories cut. Nothing is mounted. */
export class MergedTree implements SourceTree {
  readonly keepsOwner = true;
  readonly identity: string | undefined;
  private readonly layers: readonly string[];
  private readonly label: string;
  private readonly parents = new Map<string, readonly string[] | undefined>();

  /** `finished`: the directories are layers of the store, which nothing writes to any more. */
  constructor(layers: readonly string[], label: string, o: { finished?: boolean } = {}) {
    this.layers = layers;
    this.label = label;
    this.identity = o.finished ? layers.join(":") : undefined;
  }

  entry(path: string): SourceEntry | undefined {
    if (path === "") {
      const root = this.layers[0];
      return root === undefined ? undefined : { path: "", name: "", hostPath: root, stat: lstatSync(root, { bigint: true }) };
    }
    const at = path.lastIndexOf("/");
    const name = path.slice(at + 1);
    for (const directory of this.directories(path.slice(0, Math.max(at, 0))) ?? []) {
      const hostPath = `${directory}/${name}`;
      const stat = statOf(hostPath);
      if (stat) return isWhiteout(stat) ? undefined : { path, name, hostPath, stat };
    }
    return undefined;
  }

  list(path: string): SourceEntry[] {
    const seen = new Map<string, SourceEntry | undefined>();
    for (const directory of this.directories(path) ?? []) {
      for (const name of readdirSync(directory)) {
        if (seen.has(name)) continue;
        const hostPath = `${directory}/${name}`;
        const stat = statOf(hostPath);
        if (stat) seen.set(name, isWhiteout(stat) ? undefined : { path: joinPath(path, name), name, hostPath, stat });
      }
    }
    const entries = [...seen.values()].filter((entry) => entry !== undefined);
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  describeMissing(): string {
    return `not in ${this.label}`;
  }

  /** The directories of the stack that make up one directory, top first; undefined where there is none. */
  directories(path: string): readonly string[] | undefined {
    if (path === "") return this.layers;
    if (this.parents.has(path)) return this.parents.get(path);
    const at = path.lastIndexOf("/");
    const found: string[] = [];
    for (const parent of this.directories(path.slice(0, Math.max(at, 0))) ?? []) {
      const candidate = `${parent}/${path.slice(at + 1)}`;
      const stat = statOf(candidate);
      if (!stat) continue;
      if (!stat.isDirectory()) break;
      found.push(candidate);
      if (isOpaque(candidate)) break;
    }
    const result = found.length > 0 ? found : undefined;
    this.parents.set(path, result);
    return result;
  }
}

export function isWhiteout(stat: BigIntStats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0n;
}

export function isOpaque(directory: string): boolean {
  return syscalls().lgetxattr(directory, "trusted.overlay.opaque")?.toString() === "y";
}

function statOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}
