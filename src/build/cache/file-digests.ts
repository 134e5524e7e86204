import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { readJsonFile, writeFileAtomic } from "../../system/index.ts";
import type { SourceEntry } from "../filesystem/source-tree.ts";

const limit = 200_000;
/** A file that changed this recently may change again within one tick of the clock that stamps it: its digest is not remembered. */
const settledMs = 50;

/**
 * SHA-256 of file contents, remembered by device, inode, size, mtime and ctime in nanoseconds. ctime cannot be set back, so a tool that
 * restores times never gets a stale answer. Oldest entries go first.
 */
export class FileDigests {
  private readonly file: string;
  private readonly known: Map<string, string>;
  private readonly knownAttributes = new Map<string, string>();
  private changed = false;

  constructor(file: string) {
    this.file = file;
    this.known = new Map(Object.entries(readSaved(file)));
  }

  /** What `read` says of an entry, remembered as the digests are, but only as long as this process lives: everything it may say changes ctime. */
  attributes(entry: SourceEntry, read: () => string): string {
    const key = keyOf(entry);
    const known = this.knownAttributes.get(key);
    if (known !== undefined) return known;
    const found = read();
    if (Date.now() - Number(entry.stat.ctimeMs) < settledMs) return found;
    if (this.knownAttributes.size >= limit) this.knownAttributes.clear();
    this.knownAttributes.set(key, found);
    return found;
  }

  digest(entry: SourceEntry): string | Promise<string> {
    const { stat } = entry;
    const key = keyOf(entry);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    if (stat.size > 1n << 20n) return streamDigest(entry.hostPath).then((digest) => this.remember(key, digest, stat.ctimeMs));
    return this.remember(key, createHash("sha256").update(readFileSync(entry.hostPath)).digest("hex"), stat.ctimeMs);
  }

  save(): void {
    if (!this.changed) return;
    this.changed = false;
    writeFileAtomic(this.file, JSON.stringify(Object.fromEntries(this.known)));
  }

  private remember(key: string, digest: string, ctimeMs: bigint): string {
    if (Date.now() - Number(ctimeMs) < settledMs) return digest;
    if (this.known.size >= limit) this.known.delete(this.known.keys().next().value!);
    this.known.set(key, digest);
    this.changed = true;
    return digest;
  }
}

function keyOf({ stat }: SourceEntry): string {
  return `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}

async function streamDigest(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

function readSaved(file: string): Record<string, string> {
  try {
    return (readJsonFile(file) ?? {}) as Record<string, string>; // only save() writes it
  } catch {
    return {}; // a damaged memo costs time, nothing else
  }
}
