import { lstatSync, type Stats } from "node:fs";
import { libcPath, nodePath, syscalls } from "../system/index.ts";
import { RootDirectory } from "./root-directory.ts";
import { type WalkedEntry, walkRoot } from "./walk-root.ts";

/** One line of GET /containers/{id}/changes: 0 changed, 1 added, 2 deleted. */
export interface PathChange {
  readonly Path: string;
  readonly Kind: 0 | 1 | 2;
}

/** How many entries are looked at before others get their turn. */
const pace = 500;

/** What a container has written over its image: its overlay upper directory against the lower ones (top first). */
export async function pathChanges(upperDir: string, lowerDirs: readonly string[]): Promise<PathChange[]> {
  const lowers = lowerDirs.map((directory) => Buffer.from(directory).toString("latin1"));
  const changes: PathChange[] = [];
  await eachEntry(upperDir, ({ path, stat }) => {
    const Kind = isWhiteout(stat) ? 2 : isBelow(lowers, path.split("/")) ? 0 : 1;
    changes.push({ Path: `/${Buffer.from(path, "latin1").toString()}`, Kind });
  });
  return changes;
}

/** Bytes of the files that a container has written (the API's SizeRw). */
export async function writtenBytes(upperDir: string): Promise<number> {
  let sum = 0;
  await eachEntry(upperDir, ({ stat }) => {
    if (stat.isFile()) sum += stat.size;
  });
  return sum;
}

async function eachEntry(directory: string, visit: (entry: WalkedEntry) => void): Promise<void> {
  using root = new RootDirectory(directory);
  using top = root.directory("/");
  let count = 0;
  for (const entry of walkRoot(top)) {
    visit(entry);
    if (++count % pace === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Is the path in the image, as overlayfs merges its layers: a whiteout or an opaque directory hides what is below. */
function isBelow(lowers: readonly string[], parts: readonly string[]): boolean {
  for (const lower of lowers) {
    let path = lower;
    let opaque = false;
    for (const [index, part] of parts.entries()) {
      path = `${path}/${part}`;
      const stat = lstatSync(nodePath(path), { throwIfNoEntry: false });
      if (!stat) break;
      if (isWhiteout(stat)) return false;
      if (index === parts.length - 1) return true;
      if (!stat.isDirectory()) return false;
      opaque ||= syscalls().lgetxattr(libcPath(path), "trusted.overlay.opaque")?.toString() === "y";
    }
    if (opaque) return false;
  }
  return false;
}

const isWhiteout = (stat: Stats) => stat.isCharacterDevice() && stat.rdev === 0;
