import { lstatSync, readdirSync, type Stats } from "node:fs";
import { errnoOf, nodePath } from "../system/index.ts";
import { entryBytes, type Inodes, isOpaque } from "./layer-diff.ts";
import { tarEnd } from "./tar-writer.ts";

/**
 * The tar of a stack of overlay lower directories (top first) as the kernel would show it: whiteouts hide, opaque directories cut, and neither
 * is in the archive. Names sorted; deterministic. Paths are latin-1 strings of the raw bytes.
 */
export function* mergedTar(layerDirs: readonly string[]): Generator<Buffer> {
  const roots = layerDirs.map((directory) => Buffer.from(directory).toString("latin1"));
  yield* below(roots, "", new Map());
  yield tarEnd;
}

function* below(directories: readonly string[], at: string, inodes: Inodes): Generator<Buffer> {
  const names = new Set(directories.flatMap((directory) => readdirSync(nodePath(directory), { encoding: "latin1" })));
  for (const name of [...names].sort()) {
    const found = stack(directories, name);
    const top = found[0];
    if (top === undefined) continue;
    const relative = at === "" ? name : `${at}/${name}`;
    yield* entryBytes(top.path, relative, top.stat, inodes);
    if (top.stat.isDirectory())
      yield* below(
        found.map(({ path }) => path),
        relative,
        inodes,
      );
  }
}

/** What one name is in the stack: the topmost entry, and below a directory the directories that show through it. */
function stack(directories: readonly string[], name: string): { path: string; stat: Stats }[] {
  const found: { path: string; stat: Stats }[] = [];
  for (const directory of directories) {
    const path = `${directory}/${name}`;
    const stat = statOf(path);
    if (!stat) continue;
    const whiteout = stat.isCharacterDevice() && stat.rdev === 0;
    if (whiteout || (found.length > 0 && !stat.isDirectory())) break;
    found.push({ path, stat });
    if (!stat.isDirectory() || isOpaque(path)) break;
  }
  return found;
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(nodePath(path));
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}
