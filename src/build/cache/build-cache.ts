import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ImageConfig } from "../../api/index.ts";
import { readJsonFile, writeFileAtomic } from "../../system/index.ts";
import type { BuildImages, Layer } from "../images.ts";

/** `<root>/records/<key>.json`: what one step made. The key says everything that the step read, so a record is never wrong, only unused. */
export interface CacheRecord extends Layer {
  readonly key: string;
  readonly description: string;
  readonly createdIso: string;
  readonly lastUsedMs: number;
  readonly uses: number;
  /** Keys of the same step that say what it read by name instead of by content, the latest last. */
  readonly definitions?: readonly string[];
  /** It is a base image that came from a registry. */
  readonly base?: { readonly top: string; readonly digest: string; readonly config: ImageConfig };
}

/** Definitions that a record keeps. */
const maxDefinitions = 8;

export interface PruneOptions {
  /** Only what was not used for so long. */
  readonly unusedForMs?: number;
  /** Only these. */
  readonly keys?: readonly string[];
  /** Stop when no more than this is kept, least recently used first. */
  readonly keepBytes?: number;
}

/** Finished steps by key. A record is one file written by rename: a build that was killed leaves either all of it or nothing. */
export class BuildCache {
  private readonly directory: string;
  private readonly images: BuildImages;
  private readonly maxBytes: number;
  private readonly records = new Map<string, CacheRecord>();
  private readonly byDefinition = new Map<string, string>();

  constructor(o: { directory: string; images: BuildImages; maxBytes: number }) {
    this.directory = o.directory;
    this.images = o.images;
    this.maxBytes = o.maxBytes;
    mkdirSync(o.directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(o.directory)) {
      if (!name.endsWith(".json")) rmSync(join(o.directory, name), { force: true });
      else this.load(join(o.directory, name));
    }
  }

  /** By a key of content or of definition. */
  find(asked: string): CacheRecord | undefined {
    const key = this.byDefinition.get(asked) ?? asked;
    const record = this.records.get(key);
    if (!record) return undefined;
    if (!existsSync(this.images.layerDir(record.chainId))) {
      this.drop(record);
      return undefined;
    }
    const used = { ...record, lastUsedMs: Date.now(), uses: record.uses + 1 };
    this.records.set(key, used);
    // The time of use is for eviction only: an hour's precision saves a write for every step of every build.
    if (used.lastUsedMs - record.lastUsedMs > 3_600_000) this.write(used);
    return used;
  }

  store(key: string, layer: Layer, description: string, createdIso: string, definitions: readonly string[] = []): CacheRecord {
    const known = definitions.length > 0 ? { definitions: definitions.slice(-maxDefinitions) } : {};
    return this.put({ key, ...layer, description, createdIso, lastUsedMs: Date.now(), uses: 1, ...known });
  }

  /** A base image that came from a registry; `layer` is its topmost one, with the size of all. */
  storeBase(key: string, layer: Layer, description: string, base: NonNullable<CacheRecord["base"]>): CacheRecord {
    return this.put({ key, ...layer, description, createdIso: new Date().toISOString(), lastUsedMs: Date.now(), uses: 1, base });
  }

  private put(record: CacheRecord): CacheRecord {
    this.take(record);
    this.write(record);
    return record;
  }

  /** Notes that a step is also known by a key of its definition. */
  define(key: string, definition: string): void {
    const record = this.records.get(key);
    if (!record || record.definitions?.includes(definition)) return;
    const changed = { ...record, definitions: [...(record.definitions ?? []), definition].slice(-maxDefinitions) };
    this.take(changed);
    this.write(changed);
  }

  /** Layers that must not be collected. */
  chainIds(): Iterable<string> {
    return [...this.records.values()].map((record) => record.chainId);
  }

  list(): readonly CacheRecord[] {
    return [...this.records.values()];
  }

  /** Drops least recently used records until the cap holds. */
  evict(): void {
    this.prune({ keepBytes: this.maxBytes });
  }

  prune(o: PruneOptions): { keys: string[]; bytes: number } {
    const now = Date.now();
    let total = this.list().reduce((sum, record) => sum + record.size, 0);
    const dropped: CacheRecord[] = [];
    for (const record of [...this.list()].sort((a, b) => a.lastUsedMs - b.lastUsedMs)) {
      if (o.unusedForMs !== undefined && now - record.lastUsedMs < o.unusedForMs) continue;
      if (o.keys && !o.keys.includes(record.key)) continue;
      if (o.keepBytes !== undefined && total <= o.keepBytes) break;
      total -= record.size;
      this.drop(record);
      dropped.push(record);
    }
    if (dropped.length > 0) this.images.collectGarbage?.();
    return { keys: dropped.map((record) => record.key), bytes: dropped.reduce((sum, record) => sum + record.size, 0) };
  }

  private take(record: CacheRecord): void {
    this.records.set(record.key, record);
    for (const definition of record.definitions ?? []) this.byDefinition.set(definition, record.key);
  }

  private drop(record: CacheRecord): void {
    this.records.delete(record.key);
    for (const definition of record.definitions ?? []) this.byDefinition.delete(definition);
    rmSync(this.file(record.key), { force: true });
  }

  private write(record: CacheRecord): void {
    writeFileAtomic(this.file(record.key), JSON.stringify(record));
  }

  private load(file: string): void {
    try {
      const record = readJsonFile(file) as CacheRecord; // only write() makes these files
      this.take(record);
    } catch {
      rmSync(file, { force: true }); // a damaged record costs one step, nothing else
    }
  }

  private file(key: string): string {
    return join(this.directory, `${key}.json`);
  }
}
