import { createHash } from "node:crypto";
import { readlinkSync } from "node:fs";
import { syscalls } from "../../system/index.ts";
import type { FileDigests } from "../cache/file-digests.ts";
import { pacer } from "./pace.ts";
import type { Selected } from "./select-sources.ts";
import type { SourceEntry, SourceTree } from "./source-tree.ts";
import { walkTree } from "./walk-tree.ts";

/**
 * One digest over what a COPY selects: names, types, modes, owners (of stages and images), link texts, extended attributes and contents. No
 * times. `ignoreModes` where --chmod decides them anyway.
 */
export async function contentDigest(
  tree: SourceTree,
  selected: readonly Selected[],
  o: { exclude: readonly string[]; ignoreModes: boolean; digests: FileDigests; signal: AbortSignal },
): Promise<string> {
  const hash = createHash("sha256");
  const pace = pacer(o.signal);
  for (const { entry: top, name, parents } of selected) {
    const isDirectory = top.stat.isDirectory();
    for (const { entry, relative } of walkTree(tree, top, o.exclude)) {
      // The directory itself is only where its contents come from.
      const shown = isDirectory ? `${parents}/${relative}` : `${parents}/${name}`;
      const outermost = isDirectory && relative === "" && parents === "";
      hash.update(`${header(entry, shown, tree.keepsOwner && !outermost, o.ignoreModes || outermost, o.digests)}\0`);
      if (entry.stat.isFile()) {
        const digest = o.digests.digest(entry);
        hash.update(typeof digest === "string" ? digest : await digest);
      }
      await pace();
    }
  }
  return hash.digest("hex");
}

function extendedAttributes(entry: SourceEntry): string {
  const names = syscalls()
    .llistxattr(entry.hostPath)
    .filter((name) => name.startsWith("user.") || name === "security.capability");
  if (names.length === 0) return "";
  return JSON.stringify(names.sort().map((name) => [name, syscalls().lgetxattr(entry.hostPath, name)?.toString("base64")]));
}

function header(entry: SourceEntry, shown: string, owner: boolean, ignoreModes: boolean, digests: FileDigests): string {
  const { stat } = entry;
  const type = Number(stat.mode) & 0o170000;
  const attributes = stat.isSymbolicLink() ? "" : digests.attributes(entry, () => extendedAttributes(entry));
  return JSON.stringify([
    shown,
    type,
    ignoreModes || stat.isSymbolicLink() ? 0 : Number(stat.mode) & 0o7777,
    owner ? [Number(stat.uid), Number(stat.gid)] : [0, 0],
    stat.isFile() ? Number(stat.size) : 0,
    stat.isSymbolicLink() ? readlinkSync(entry.hostPath) : "",
    stat.isCharacterDevice() || stat.isBlockDevice() ? Number(stat.rdev) : 0,
    attributes,
  ]);
}
