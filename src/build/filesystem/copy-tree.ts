import { chmodSync, constants, copyFileSync, lchownSync, linkSync, lutimesSync, readlinkSync, symlinkSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { BerthError, syscalls } from "../../system/index.ts";
import type { ModeChange } from "./file-mode.ts";
import { pacer } from "./pace.ts";
import { resolvePath } from "./resolve-path.ts";
import type { Selected } from "./select-sources.ts";
import { joinPath, type SourceEntry, type SourceTree } from "./source-tree.ts";
import { walkTree } from "./walk-tree.ts";
import { copyExtendedAttributes, type Owner, seconds, type WritableRoot } from "./writable-root.ts";

export interface CopyOptions {
  readonly exclude: readonly string[];
  readonly owner?: Owner;
  readonly mode?: ModeChange;
  /** An octal --chmod: directories that have to be made above the sources get it too. */
  readonly directoryMode?: number;
  /** Told where several files are copied in all and become the destination itself, one after the other. */
  readonly onOverwrite?: () => void;
  /** Nanoseconds for everything that is written (SOURCE_DATE_EPOCH). */
  readonly maxMtimeNs?: bigint;
  readonly signal: AbortSignal;
}

/**
 * Puts what was selected at a destination by the rules of COPY: a directory's contents into the destination, a file into it when it is a
 * directory (or ends with a slash), otherwise under that very name. Links of the image are followed inside its root.
 */
export async function copySelected(
  root: WritableRoot,
  tree: SourceTree,
  selected: readonly Selected[],
  destination: string,
  o: CopyOptions,
): Promise<void> {
  const target = resolvePath(root, destination);
  const existing = root.entry(target);
  const isDirectory = /(^|\/)\.?$/.test(destination) || existing?.stat.isDirectory() === true;
  const parentsMode = { mode: o.directoryMode ?? 0o755, owner: o.owner ?? { uid: 0, gid: 0 } };
  const links = new Map<string, string>();
  const pace = pacer(o.signal);
  for (const { entry: top, name, parents } of selected) {
    const base = parents ? resolvePath(root, joinPath(target, parents)) : target;
    const intoDirectory = isDirectory || parents !== "";
    if (parents) takeParents(root, tree, target, parents, o);
    if (!intoDirectory && !top.stat.isDirectory()) o.onOverwrite?.();
    const start = top.stat.isDirectory()
      ? parents
        ? resolvePath(root, joinPath(base, name))
        : base
      : intoDirectory
        ? resolvePath(root, joinPath(base, name))
        : base;
    for (const { entry, relative } of walkTree(tree, top, o.exclude, parents && `${parents}/${name}`)) {
      const path = relative === "" ? start : joinPath(start, relative);
      if (entry.stat.isDirectory()) {
        // Only below the destination the source decides over modes and owners.
        root.makeDirectory(path, parentsMode);
        if (relative !== "" || parents !== "") applyMetadata(root.hostPath(path), entry, tree, o);
      } else {
        root.makeDirectory(path.slice(0, Math.max(path.lastIndexOf("/"), 0)), parentsMode);
        await copyEntry(root, entry, path, tree, o, links);
      }
      await pace();
    }
  }
}

/** With --parents the directories above a source come along as they are. */
function takeParents(root: WritableRoot, tree: SourceTree, target: string, parents: string, o: CopyOptions): void {
  const parts = parents.split("/");
  for (const [index] of parts.entries()) {
    const relative = parts.slice(0, index + 1).join("/");
    const source = tree.entry(resolvePath(tree, relative));
    const path = resolvePath(root, joinPath(target, relative));
    const isNew = root.makeDirectory(path, { mode: 0o755, owner: o.owner ?? { uid: 0, gid: 0 } });
    if (isNew && source?.stat.isDirectory()) applyMetadata(root.hostPath(path), source, tree, o);
  }
}

async function copyEntry(
  root: WritableRoot,
  entry: SourceEntry,
  path: string,
  tree: SourceTree,
  o: CopyOptions,
  links: Map<string, string>,
): Promise<void> {
  const { stat } = entry;
  const inode = `${stat.dev}:${stat.ino}`;
  const linked = stat.nlink > 1n ? links.get(inode) : undefined;
  const hostPath = root.makeRoomForFile(path);
  if (linked !== undefined) {
    linkSync(linked, hostPath);
    return;
  }
  if (stat.isFile()) {
    if (stat.size > 8n << 20n) await copyFile(entry.hostPath, hostPath, constants.COPYFILE_FICLONE);
    else copyFileSync(entry.hostPath, hostPath, constants.COPYFILE_FICLONE);
    if (stat.nlink > 1n) links.set(inode, hostPath);
  } else if (stat.isSymbolicLink()) symlinkSync(readlinkSync(entry.hostPath), hostPath);
  else if (stat.isFIFO() || stat.isCharacterDevice() || stat.isBlockDevice()) syscalls().mknod(hostPath, Number(stat.mode), stat.rdev);
  else throw new BerthError("build/context", `/${entry.path}: this kind of file cannot be copied`);
  applyMetadata(hostPath, entry, tree, o);
}

function applyMetadata(hostPath: string, entry: SourceEntry, tree: SourceTree, o: CopyOptions): void {
  const { stat } = entry;
  const owner = o.owner ?? (tree.keepsOwner ? { uid: Number(stat.uid), gid: Number(stat.gid) } : { uid: 0, gid: 0 });
  lchownSync(hostPath, owner.uid, owner.gid);
  if (!stat.isSymbolicLink()) {
    const own = Number(stat.mode) & 0o7777;
    const wanted = o.mode ? o.mode(own, stat.isDirectory()) : own;
    // A copied file has its source's mode, and a change of owner takes only the set-id bits away (chown(2)).
    if (!stat.isFile() || wanted !== own || (own & 0o6000) !== 0) chmodSync(hostPath, wanted);
    copyExtendedAttributes(entry.hostPath, hostPath);
  }
  const mtime = o.maxMtimeNs !== undefined && stat.mtimeNs > o.maxMtimeNs ? o.maxMtimeNs : stat.mtimeNs;
  lutimesSync(hostPath, seconds(mtime), seconds(mtime));
}
