import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BerthError, writeFileAtomic } from "../system/index.ts";
import { chainOf, type Descriptor, type LayerInfo, type LayerRecord } from "./image-record.ts";
import { runLayerJob } from "./layer-worker.ts";
import { readRecords } from "./record-files.ts";
import type { Trash } from "./trash.ts";

export interface NewLayer {
  readonly parent: string | undefined;
  /** What its archive must come to. */
  readonly diffId?: string;
  readonly file?: string;
  readonly input?: AsyncIterable<Uint8Array>;
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
    workerFile: string | undefined;
    trash: Trash;
    newTemp: () => string;
    touch: (chain: string) => void;
  };
  private readonly records = new Map<string, LayerRecord>();
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

  /** Adopts an overlay upper directory (moved; on this file system) as a layer on top of a chain. The diff id is exact. */
  async commit(o: { parentChainId?: string; upperDir: string; signal: AbortSignal }): Promise<LayerInfo> {
    const result = await runLayerJob({ kind: "digest", directory: o.upperDir }, this.jobOptions(o.signal));
    return this.adopt({ parent: o.parentChainId, diffId: result.diffId, size: result.bytes, directory: o.upperDir });
  }

  /**
   * Unpacks one layer archive on top of a chain: a file, or bytes as they arrive.
   * @throws BerthError `image/bad-archive` when the content is not what `diffId` says
   */
  async add(o: NewLayer): Promise<LayerRecord> {
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
      const result = await runLayerJob(o.file === undefined ? job : { ...job, file: o.file }, {
        ...this.jobOptions(o.signal),
        ...(o.input ? { input: o.input } : {}),
      });
      if (o.diffId !== undefined && result.diffId !== o.diffId) {
        const hint = "It is damaged: fetch or make it again.";
        throw new BerthError("image/bad-archive", `a layer's content is ${result.diffId}, but its image says ${o.diffId}`, { hint });
      }
      // Without the archive at hand the layer's archive is the one that is made of its directory.
      const { diffId } = o.blob ? result : await runLayerJob({ kind: "digest", directory }, this.jobOptions(o.signal));
      const layer = { parent: o.parent, diffId, size: result.bytes, directory };
      return this.adopt(o.blob ? { ...layer, blob: o.blob } : layer);
    } finally {
      this.o.trash.discard(work);
    }
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

  private jobOptions(signal: AbortSignal): { signal: AbortSignal; workerFile?: string } {
    return this.o.workerFile === undefined ? { signal } : { signal, workerFile: this.o.workerFile };
  }
}

function directoryName(chainId: string): string {
  return chainId.slice("sha256:".length, "sha256:".length + 12);
}
