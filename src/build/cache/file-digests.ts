import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { readJsonFile, writeFileAtomic } from "../../system/index.ts";
import type { SourceEntry } from "../filesystem/source-tree.ts";

const limit = 200_000;
/** A file that changed this recently may change again within one tick of the clock that stamps it: what was read of it is not remembered. */
const settledMs = 50;

/** What was read of an entry, as far as somebody asked. */
interface Facts {
  digest?: string;
  attributes?: string;
}

/**
 * SHA-256 of file contents, remembered by device, inode, size, mtime and ctime in nanoseconds. ctime cannot be set back, so a tool that
 * restores times never gets a stale answer. Oldest entries go first. What else is read of an entry is remembered as long as this process lives.
 */
export class FileDigests {
  private readonly file: string;
  private readonly known = new Map<string, Facts>();
  private readonly trees = new Map<string, Promise<string>>();
  private changed = false;

  constructor(file: string) {
    this.file = file;
    for (const [key, digest] of Object.entries(readSaved(file))) this.known.set(key, { digest });
  }

  /** Extended attributes as `read` tells them, and the digest where it is a regular file: everything that they may say changes ctime. */
  of(entry: SourceEntry, read: () => string): Facts | Promise<Facts> {
    const key = keyOf(entry);
    const facts = this.known.get(key) ?? {};
    if (facts.attributes === undefined) {
      facts.attributes = read();
      this.remember(key, facts, entry);
    }
    if (facts.digest !== undefined || !entry.stat.isFile()) return facts;
    const withDigest = (digest: string) => {
      facts.digest = digest;
      this.remember(key, facts, entry);
      return facts;
    };
    const digest = contentDigestOf(entry);
    return typeof digest === "string" ? withDigest(digest) : digest.then(withDigest);
  }

  async digest(entry: SourceEntry): Promise<string> {
    const key = keyOf(entry);
    const facts = this.known.get(key) ?? {};
    if (facts.digest === undefined) {
      facts.digest = await contentDigestOf(entry);
      this.remember(key, facts, entry);
    }
    return facts.digest;
  }

  /** What `read` makes of a tree that never changes: asked once for each key. */
  ofTree(key: string, read: () => Promise<string>): Promise<string> {
    const known = this.trees.get(key);
    if (known !== undefined) return known;
    if (this.trees.size >= 1000) this.trees.delete(this.trees.keys().next().value!);
    const reading = read();
    this.trees.set(key, reading);
    reading.catch(() => this.trees.delete(key));
    return reading;
  }

  save(): void {
    if (!this.changed) return;
    this.changed = false;
    const digests = [...this.known].flatMap(([key, { digest }]) => (digest === undefined ? [] : [[key, digest]]));
    writeFileAtomic(this.file, JSON.stringify(Object.fromEntries(digests)));
  }

  private remember(key: string, facts: Facts, { stat }: SourceEntry): void {
    if (Date.now() - Number(stat.ctimeMs) < settledMs) return;
    if (facts.digest !== undefined) this.changed = true;
    if (this.known.has(key)) return;
    if (this.known.size >= limit) this.known.delete(this.known.keys().next().value!);
    this.known.set(key, facts);
  }
}

function keyOf({ stat }: SourceEntry): string {
  return `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}

/** At once where the file is small. */
function contentDigestOf({ hostPath, stat }: SourceEntry): string | Promise<string> {
  if (stat.size > 1n << 20n) return streamDigest(hostPath);
  return createHash("sha256").update(readFileSync(hostPath)).digest("hex");
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
