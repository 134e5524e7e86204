import pLimit from "p-limit";
import { BerthError, messageOf } from "../../system/index.ts";
import type { BuildCache, CacheRecord } from "../cache/build-cache.ts";
import type { BuildImages } from "../images.ts";
import type { Progress } from "../progress.ts";
import type { BlobDescriptor, CacheContent, OpenCache } from "./cache-content.ts";
import { type CacheEntry, entryName } from "./cache-entry.ts";
import { chainOf } from "./chain.ts";
import { inlineRecords, type ReadCache, readCache } from "./read-cache.ts";

/** A step's result that lies elsewhere: enough to go on with the next step, its layer is fetched when something reads it. */
export interface ImportedStep extends Omit<CacheRecord, "lastUsedMs" | "uses"> {
  readonly definitions: readonly string[];
}

interface Source {
  readonly name: string;
  /** Absent: the layers are an image's of this store. */
  readonly content: CacheContent | undefined;
}

interface Step {
  readonly source: Source;
  readonly key: string;
  readonly definitions: readonly string[];
  readonly createdIso: string;
  readonly layer: BlobDescriptor & { readonly diffId: string };
}

/**
 * The caches that one build imports. A cache that is missing or damaged costs steps, never the build: it is warned of and left out. A layer that
 * turns out to be damaged after a step was taken for done throws; the source is then gone, and the build begins again without it.
 */
export class ImportedCaches {
  private readonly o: { images: BuildImages; cache: BuildCache; progress: Progress; signal: AbortSignal };
  private readonly steps = new Map<string, Step>();
  private readonly pending = new Map<string, { parent: string | undefined; step: Step; description: string }>();
  private readonly bases = new Map<string, () => Promise<void>>();
  private readonly sources: Source[] = [];
  private readonly broken = new Set<Source>();
  private readonly limit = pLimit(3);

  constructor(o: ImportedCaches["o"]) {
    this.o = o;
  }

  /** Reads what each of them has; of two that know a step the first counts. */
  async open(entries: readonly CacheEntry[], open: OpenCache | undefined): Promise<void> {
    const read = await Promise.all(entries.map((entry) => this.read(entry, open)));
    for (const found of read) {
      if (!found) continue;
      this.sources.push(found.source);
      for (const steps of stepsByLayer(found.source, found.cache))
        for (const key of [steps.key, ...steps.definitions]) if (!this.steps.has(key)) this.steps.set(key, steps);
    }
  }

  /** The result of a step on top of a chain. `key` is one by content or by definition. */
  find(key: string, parent: string | undefined, description: string): ImportedStep | undefined {
    const step = this.steps.get(key);
    if (!step || this.broken.has(step.source)) return undefined;
    const { diffId, size } = step.layer;
    const chainId = chainOf(parent, diffId);
    const here = this.o.images.hasLayer?.(chainId) === true;
    // An image of the store has the layer only as long as the store does.
    if (!here && !step.source.content) return undefined;
    const found = { key: step.key, chainId, diffId, size, description, createdIso: step.createdIso, definitions: step.definitions };
    if (here) this.o.cache.store(step.key, { chainId, diffId, size }, description, step.createdIso, step.definitions);
    else this.pending.set(chainId, { parent, step, description });
    return found;
  }

  /** Layers of a base image that `fetch` brings, all at once, when the first of them is asked for. */
  later(layers: readonly { readonly chainId: string }[], fetch: () => Promise<void>): void {
    let fetching: Promise<void> | undefined;
    const once = () => {
      fetching ??= fetch();
      return fetching;
    };
    for (const { chainId } of layers) if (!this.o.images.hasLayer?.(chainId)) this.bases.set(chainId, once);
  }

  /** Fetches those of these layers (bottom first) that are not here yet. @throws BerthError when one cannot be had */
  async ensure(layers: readonly { readonly chainId: string }[]): Promise<void> {
    await Promise.all(new Set(layers.flatMap(({ chainId }) => this.bases.get(chainId)?.() ?? [])));
    const missing = layers.filter(({ chainId }) => this.pending.has(chainId));
    if (missing.length === 0) return;
    await Promise.all(missing.map(({ chainId }) => this.fetch(chainId)));
  }

  /** Whether a source was found to be damaged since the last call. */
  takeBroken(): boolean {
    const found = this.broken.size > 0 && [...this.broken].some((source) => this.sources.includes(source));
    for (const source of this.broken) this.sources.splice(this.sources.indexOf(source), this.sources.includes(source) ? 1 : 0);
    for (const [chain, { step }] of this.pending) if (this.broken.has(step.source)) this.pending.delete(chain);
    return found;
  }

  async close(): Promise<void> {
    for (const { content } of [...this.sources, ...this.broken]) await content?.close();
  }

  private async read(entry: CacheEntry, open: OpenCache | undefined): Promise<{ source: Source; cache: ReadCache } | undefined> {
    const { progress, signal, images } = this.o;
    const name = entryName(entry);
    const vertex = progress.declare(`importing cache manifest from ${name}`);
    try {
      return await progress.run(vertex, async () => {
        // An image of this machine, as a Docker engine takes it.
        const local = entry.type === "registry" ? images.resolve(entry.attrs["ref"] ?? "") : undefined;
        if (local) {
          const records = inlineRecords(local.config as unknown as Record<string, unknown>); // an image's configuration is JSON
          const layers = local.config.rootfs.diff_ids.map((diffId) => ({ digest: diffId, diffId, size: 0, mediaType: "" }));
          return { source: { name, content: undefined }, cache: { records: records.filter(({ layer }) => layers[layer]), layers } };
        }
        if (!open) throw new BerthError("build/unsupported", "no cache can be read here");
        const content = await open(entry, { purpose: "import", signal });
        try {
          const cache = await readCache(content);
          if (!cache) throw new BerthError("image/not-found", "there is no cache");
          if (cache.records.length === 0) throw new BerthError("image/not-found", "there is no cache of this builder in it");
          return { source: { name, content }, cache };
        } catch (error) {
          await content.close();
          throw error;
        }
      });
    } catch (error) {
      signal.throwIfAborted();
      progress.warn(`the cache ${name} is not used: ${messageOf(error)}`);
      return undefined;
    }
  }

  private async fetch(chainId: string): Promise<void> {
    const { images, cache, progress, signal } = this.o;
    const wanted = this.pending.get(chainId);
    if (!wanted) return;
    const { step, parent, description } = wanted;
    const { layer, source } = step;
    const { content } = source;
    if (!images.fetchLayer || !content) throw new Error("only a place with content has pending layers");
    const vertex = progress.declare(`extracting cached ${description.slice(0, 60)}`);
    const { size } = await this.limit(() =>
      progress
        .run(vertex, async () => {
          const id = layer.digest;
          const input = content.read(layer, (current) =>
            progress.transfer(vertex, { id, current, total: layer.size, done: current === layer.size }),
          );
          const { digest, size, mediaType } = layer;
          return await images.fetchLayer!(chainId, { parent, diffId: layer.diffId, input, blob: { digest, size, mediaType }, signal });
        })
        .catch((error: unknown) => {
          signal.throwIfAborted();
          if (error instanceof BerthError && error.code === "system/disk-full") throw error;
          if (!this.broken.has(source)) progress.warn(`the cache ${source.name} is not used: ${messageOf(error)}`);
          this.broken.add(source);
          throw error;
        }),
    );
    this.pending.delete(chainId);
    cache.store(step.key, { chainId, diffId: layer.diffId, size }, description, step.createdIso, step.definitions);
  }
}

/** Records of one layer are one step's. */
function stepsByLayer(source: Source, { records, layers }: ReadCache): Step[] {
  const groups = new Map<string, { key: string; definitions: string[]; createdIso: string; layer: number }>();
  for (const { key, layer, createdIso } of records) {
    const group = groups.get(`${layer}`);
    if (group) group.definitions.push(key);
    else groups.set(`${layer}`, { key, definitions: [], createdIso, layer });
  }
  return [...groups.values()].map((group) => ({ ...group, source, layer: layers[group.layer]! }));
}
