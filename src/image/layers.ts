import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BerthError, nodePath, writeFileAtomic } from "../system/index.ts";
import { chainOf, type Descriptor, type LayerInfo, type LayerRecord } from "./image-record.ts";
import { LayerAhead, type UnpackedLayer } from "./layer-ahead.ts";
import { directoryDigest, type LayerDigest } from "./layer-job.ts";
import { LayerWorkers } from "./layer-workers.ts";
import { readRecords } from "./record-files.ts";
import type { Trash } from "./trash.ts";

export interface NewLayer {
  readonly parent: string | undefined;
  /** What its archive must come to. */
  readonly diffId?: string;
  readonly file?: string;
  readonly input?: AsyncIterable<Uint8Array>;
  /** What the archive holds, where it was unpacked before: then the archive is not read. */
  readonly unpacked?: UnpackedLayer;
  /** The archive as it came, where it is kept. */
  readonly blob?: Descriptor;
  /** The blob's digest is checked by whoever gives the bytes: of an archive that is not compressed it need not be computed again. */
  readonly checked?: boolean;
  readonly whiteouts?: boolean;
  readonly signal: AbortSignal;
}

/**
 * The unpacked layers of a store, by chain id: `l/<name>/` and `layers/<chain>.json`. The record is written after the directory is in place,
 * so a layer exists completely or not at all.
 */
export class Layers {
  private readonly o: {
    rootDir: string;
    trash: Trash;
    newTemp: () => string;
    touch: (chain: string) => void;
  };
  private readonly records = new Map<string, LayerRecord>();
  private readonly workers = new LayerWorkers();
  private readonly adding = new Map<string, Promise<LayerRecord>>();

  constructor(o: Layers["o"]) {
    this.o = o;
  }

  /** Reads the records; directories without one go. */
  open(aside: string[]): void {
    for (const record of readRecords<LayerRecord>(join(this.o.rootDir, "layers"), aside)) {
      if (existsSync(join(this.o.rootDir, "l", record.directory))) this.records.set(record.chainId, record);
    }
    const kept = new Set([...this.records.values()].map((layer) => layer.directory));
    for (const name of readdirSync(join(this.o.rootDir, "l"))) if (!kept.has(name)) this.o.trash.discard(join(this.o.rootDir, "l", name));
  }

  get(chainId: string): LayerRecord | undefined {
    return this.records.get(chainId);
  }

  has(chainId: string): boolean {
    return this.records.has(chainId);
  }

  all(): LayerRecord[] {
    return [...this.records.values()];
  }

  /** May name a directory that does not exist. */
  directory(chainId: string): string {
    return join(this.o.rootDir, "l", this.records.get(chainId)?.directory ?? directoryName(chainId));
  }

  /** Top first. */
  chainDirs(chain: string | undefined): string[] {
    const dirs: string[] = [];
    for (let at: string | null | undefined = chain; at; at = this.records.get(at)?.parent) dirs.push(this.directory(at));
    return dirs;
  }

  remove(layer: LayerRecord): void {
    rmSync(join(this.o.rootDir, "layers", `${layer.chainId.slice(7)}.json`), { force: true });
    this.records.delete(layer.chainId);
    this.o.trash.discard(join(this.o.rootDir, "l", layer.directory));
  }

  async close(): Promise<void> {
    await this.workers.close();
  }

  /** Adopts an overlay upper directory (moved; on this file system) as a layer on top of a chain. The diff id is exact. */
  async commit(o: { parentChainId?: string; upperDir: string; signal: AbortSignal }): Promise<LayerInfo> {
    const result = await this.digest(o.upperDir, o.signal);
    return this.adopt({ parent: o.parentChainId, diffId: result.diffId, size: result.bytes, directory: o.upperDir });
  }

  /**
   * Unpacks one layer archive on top of a chain: a file, or bytes as they arrive.
   * @throws BerthError `image/bad-archive` when the content is not what `diffId` says
   */
  async add(o: NewLayer): Promise<LayerRecord> {
    if (o.unpacked && existsSync(o.unpacked.directory)) {
      const { directory, diffId, bytes } = o.unpacked;
      checkDiffId(diffId, o.diffId);
      return this.adopt({ parent: o.parent, diffId, size: bytes, directory, ...(o.blob ? { blob: o.blob } : {}) });
    }
    const work = this.o.newTemp();
    const directory = join(work, "d");
    try {
      mkdirSync(directory, { mode: 0o755 });
      const checkedDiffId = o.checked && o.blob?.digest === o.diffId ? o.diffId : undefined;
      const job = {
        kind: "unpack" as const,
        directory,
        lowerDirs: this.chainDirs(o.parent),
        whiteouts: o.whiteouts ?? true,
        ...(checkedDiffId === undefined ? {} : { checkedDiffId }),
      };
      const result = await this.workers.run(o.file === undefined ? job : { ...job, file: o.file }, {
        signal: o.signal,
        ...(o.input ? { input: o.input } : {}),
      });
      checkDiffId(result.diffId, o.diffId);
      // Without the archive at hand the layer's archive is the one that is made of its directory.
      const { diffId } = o.blob ? result : await this.digest(directory, o.signal);
      const layer = { parent: o.parent, diffId, size: result.bytes, directory };
      return this.adopt(o.blob ? { ...layer, blob: o.blob } : layer);
    } finally {
      this.o.trash.discard(work);
    }
  }

  /** Begins to unpack an archive that is still being written to a file. */
  unpackAhead(file: string): LayerAhead {
    return new LayerAhead({ workers: this.workers, trash: this.o.trash, work: this.o.newTemp(), file });
  }

  /** Whether some layer was made of, or came as, what has this digest. */
  knows(digest: string): boolean {
    return this.all().some((layer) => layer.diffId === digest || layer.blob?.digest === digest);
  }

  /** Runs `make` for a chain unless it is here or being made. */
  async once(chainId: string, make: () => Promise<LayerRecord>): Promise<LayerRecord> {
    this.o.touch(chainId);
    const there = this.records.get(chainId);
    if (there) return there;
    const underway = this.adding.get(chainId);
    if (underway !== undefined) return underway;
    const making = make().finally(() => this.adding.delete(chainId));
    this.adding.set(chainId, making);
    return making;
  }

  /** Renames an unpacked directory into place and writes its record. */
  private adopt(o: { parent: string | undefined; diffId: string; size: number; directory: string; blob?: Descriptor }): LayerRecord {
    const chainId = chainOf(o.parent, o.diffId);
    this.o.touch(chainId);
    const there = this.records.get(chainId);
    if (there) {
      this.o.trash.discard(o.directory);
      return there;
    }
    const directory = directoryName(chainId);
    const target = join(this.o.rootDir, "l", directory);
    if (existsSync(target)) this.o.trash.discard(target);
    renameSync(o.directory, target);
    const base = { chainId, diffId: o.diffId, parent: o.parent ?? null, size: o.size, directory };
    const record: LayerRecord = o.blob ? { ...base, blob: o.blob } : base;
    writeFileAtomic(join(this.o.rootDir, "layers", `${chainId.slice(7)}.json`), JSON.stringify(record));
    this.records.set(chainId, record);
    return record;
  }

  /** A handful of files is hashed here and now: a thread would take longer to begin. */
  private async digest(directory: string, signal: AbortSignal): Promise<LayerDigest> {
    if (isSmall(directory)) return await directoryDigest(directory, () => signal.aborted);
    return await this.workers.run({ kind: "digest", directory }, { signal });
  }
}

function checkDiffId(found: string, expected: string | undefined): void {
  if (expected === undefined || found === expected) return;
  throw new BerthError("image/bad-archive", `a layer's content is ${found}, but its image says ${expected}`, {
    hint: "It is damaged: fetch or make it again.",
  });
}

/** At most 64 entries and 1 MB. */
function isSmall(directory: string): boolean {
  let [entries, bytes] = [0, 0];
  for (const directories = [Buffer.from(directory).toString("latin1")]; directories.length > 0; ) {
    const at = directories.pop()!; // not empty
    for (const entry of readdirSync(nodePath(at), { withFileTypes: true, encoding: "latin1" })) {
      const path = `${at}/${entry.name}`;
      entries += 1;
      if (entry.isDirectory()) directories.push(path);
      else if (entry.isFile()) bytes += lstatSync(nodePath(path)).size;
      if (entries > 64 || bytes > 1 << 20) return false;
    }
  }
  return true;
}

function directoryName(chainId: string): string {
  return chainId.slice("sha256:".length, "sha256:".length + 12);
}
