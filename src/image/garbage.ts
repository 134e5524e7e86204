import type { Blobs } from "./blobs.ts";
import type { Layers } from "./layers.ts";

/** A layer that was just made is not yet named by an image or a cache record: collection leaves it alone for this long. */
const graceMs = 10 * 60_000;

/** What of the store is in use: digests of blobs, and chains of which the layers below are needed, too. */
export interface Needed {
  blobs(): Iterable<string>;
  chains(): Iterable<string | undefined>;
}

/** Frees the layers and blobs that nothing names. While something is transferred nothing goes. */
export class Garbage {
  readonly #blobs: Blobs;
  readonly #layers: Layers;
  readonly #needed: Needed;
  readonly #touched = new Map<string, number>();
  readonly #roots: (() => Iterable<string>)[] = [];
  #transfers = 0;

  constructor(o: { blobs: Blobs; layers: Layers; needed: Needed }) {
    this.#blobs = o.blobs;
    this.#layers = o.layers;
    this.#needed = o.needed;
  }

  /** Layers that something else than an image needs. */
  addRoots(chainIds: () => Iterable<string>): void {
    this.#roots.push(chainIds);
  }

  /** Keeps a blob or layer through a collection until a record names it. */
  touch(digestOrChain: string): void {
    this.#touched.set(digestOrChain, Date.now());
  }

  async transferring<T>(work: () => Promise<T>): Promise<T> {
    this.#transfers += 1;
    try {
      return await work();
    } finally {
      this.#transfers -= 1;
    }
  }

  /** Removes layers, answers their chain ids. `now`: chains that may go although they are young, because their image was just removed. */
  collectLayers(now: ReadonlySet<string> = new Set()): string[] {
    if (this.#transfers > 0) return [];
    const needed = new Set<string>();
    const keep = (chain: string | null | undefined) => {
      for (let at = chain; at && !needed.has(at); at = this.#layers.get(at)?.parent) needed.add(at);
    };
    for (const chain of this.#needed.chains()) keep(chain);
    for (const roots of this.#roots) for (const chain of roots()) keep(chain);
    for (const { chainId } of this.#layers.all()) if (!now.has(chainId) && this.#isYoung(chainId)) keep(chainId);
    const gone = this.#layers.all().filter((layer) => !needed.has(layer.chainId));
    for (const layer of gone) this.#layers.remove(layer);
    if (gone.length > 0) this.sweepBlobs(new Set(gone.flatMap((layer) => (layer.blob ? [layer.blob.digest] : []))));
    return gone.map((layer) => layer.chainId).reverse();
  }

  /** Removes unreferenced blobs: `only` these, or all that are not young. */
  sweepBlobs(only?: ReadonlySet<string>): void {
    if (this.#transfers > 0) return;
    const needed = new Set(this.#needed.blobs());
    for (const layer of this.#layers.all()) if (layer.blob) needed.add(layer.blob.digest);
    for (const digest of only ?? this.#blobs.digests())
      if (!needed.has(digest) && (only || !this.#isYoung(digest))) this.#blobs.remove(digest);
  }

  #isYoung(key: string): boolean {
    return Date.now() - (this.#touched.get(key) ?? 0) < graceMs;
  }
}
