import { createHash } from "node:crypto";
import { readlinkSync } from "node:fs";
import { syscalls } from "../../system/index.ts";
import type { FileDigests } from "../cache/file-digests.ts";
import { pacer } from "./pace.ts";
import type { Selected } from "./select-sources.ts";
import type { SourceEntry, SourceTree } from "./source-tree.ts";
import { walkTree } from "./walk-tree.ts";

interface DigestOptions {
  readonly exclude: readonly string[];
  readonly ignoreModes: boolean;
  readonly digests: FileDigests;
  readonly signal: AbortSignal;
}

/**
 * One digest over what a COPY selects: names, types, modes, owners (of stages and images), link texts, extended attributes and contents. No
 * times. `ignoreModes` where --chmod decides them anyway. Finished layers are read once: the same stack has the same content.
 */
export async function contentDigest(tree: SourceTree, selected: readonly Selected[], o: DigestOptions): Promise<string> {
  if (tree.identity === undefined) return await readDigest(tree, selected, o);
  const what = selected.map(({ entry, name, parents }) => [entry.path, name, parents]);
  // Read under its own signal: a build that is cancelled is not to take the answer from another one.
  const read = () => readDigest(tree, selected, { ...o, signal: new AbortController().signal });
  const digest = await o.digests.ofTree(JSON.stringify([tree.identity, what, o.exclude, o.ignoreModes]), read);
  o.signal.throwIfAborted();
  return digest;
}

async function readDigest(tree: SourceTree, selected: readonly Selected[], o: DigestOptions): Promise<string> {
  const hash = createHash("sha256");
  const pace = pacer(o.signal);
  let text = "";
  for (const { entry: top, name, parents } of selected) {
    const isDirectory = top.stat.isDirectory();
    for (const { entry, relative } of walkTree(tree, top, o.exclude, parents && `${parents}/${name}`)) {
      // The directory itself is only where its contents come from.
      const shown = isDirectory ? `${parents}/${relative}` : `${parents}/${name}`;
      const outermost = isDirectory && relative === "" && parents === "";
      const found = entry.stat.isSymbolicLink() ? noFacts : o.digests.of(entry, () => extendedAttributes(entry));
      const { digest = "", attributes = "" } = found instanceof Promise ? await found : found;
      text += `${header(entry, shown, tree.keepsOwner && !outermost, o.ignoreModes || outermost)}${attributes}\0${digest}`;
      if (text.length > 1 << 16) {
        hash.update(text);
        text = "";
      }
      const waiting = pace();
      if (waiting !== undefined) await waiting;
    }
  }
  return hash.update(text).digest("hex");
}

const noFacts = { digest: "", attributes: "" };

function extendedAttributes(entry: SourceEntry): string {
  const names = syscalls()
    .llistxattr(entry.hostPath)
    .filter((name) => name.startsWith("user.") || name === "security.capability");
  if (names.length === 0) return "";
  return JSON.stringify(names.sort().map((name) => [name, syscalls().lgetxattr(entry.hostPath, name)?.toString("base64")]));
}

/** No two entries that differ in what it says give the same: names end at a NUL, which no name holds. */
function header({ stat, hostPath }: SourceEntry, shown: string, owner: boolean, ignoreModes: boolean): string {
  const mode = Number(stat.mode);
  const isLink = stat.isSymbolicLink();
  const shownMode = (mode & 0o170000) | (ignoreModes || isLink ? 0 : mode & 0o7777);
  const ids = owner ? `${stat.uid},${stat.gid}` : "0,0";
  if (stat.isFile()) return `${shown}\0${shownMode},${ids},${stat.size},`;
  if (isLink) return `${shown}\0${shownMode},${ids},${readlinkSync(hostPath)}`;
  return stat.isDirectory() ? `${shown}\0${shownMode},${ids},` : `${shown}\0${shownMode},${ids},${stat.rdev},`;
}
