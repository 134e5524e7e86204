import { createHash } from "node:crypto";
import type { ImageConfig } from "../api/index.ts";
import type { BuildCache } from "./cache/build-cache.ts";
import { fullName } from "./full-name.ts";
import type { BaseSource } from "./images.ts";
import { chainOf } from "./remote-cache/chain.ts";

export interface CachedBase {
  /** The digest that the reference has in its registry. */
  readonly top: string;
  readonly digest: string;
  readonly config: ImageConfig;
  readonly chainIds: readonly string[];
  /** Its layers are not here yet. */
  readonly isRemote: boolean;
}

interface Asked {
  readonly ref: string;
  /** "linux/arm64", "" for this machine's. */
  readonly platform: string;
  readonly signal: AbortSignal;
}

/**
 * Base images of registries that the build cache keeps, as BuildKit does: a build asks what a name means there now, and takes what it has of it. Where
 * the registry cannot be reached the one that was taken last is right, unless a newer one is asked for.
 */
export class CachedBases {
  readonly #cache: BuildCache;
  readonly #source: BaseSource;

  constructor(cache: BuildCache, source: BaseSource) {
    this.#cache = cache;
    this.#source = source;
  }

  /** @throws BerthError as a pull does */
  async find(asked: Asked, o: { mustAsk: boolean }): Promise<CachedBase> {
    const { ref, signal } = asked;
    const known = this.#known(asked);
    const platform = platformOf(asked);
    const now = await this.#source.digests(ref, { ...platform, signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      if (!known || o.mustAsk) throw error;
      return known;
    });
    if (known?.digest === now.digest) return known;
    const found = await this.#source.peek(byDigest(ref, now.top), { ...platform, signal });
    const config = found?.config ?? (await this.fetch(asked, now.top, () => undefined));
    return { ...now, config, chainIds: chainIdsOf(config), isRemote: true };
  }

  /** Brings the layers of what a name meant when it was looked for, and remembers them. */
  async fetch(asked: Asked, top: string, onProgress: Parameters<BaseSource["layers"]>[1]["onProgress"]): Promise<ImageConfig> {
    const { ref, signal } = asked;
    const { chainIds, size, ...base } = await this.#source.layers(byDigest(ref, top), { ...platformOf(asked), signal, onProgress });
    this.keep(asked, { ...base, top, chainIds, isRemote: false }, size);
    return base.config;
  }

  /** Remembers what was found, where its layers are here already. */
  keep(asked: Asked, found: CachedBase, size: number): void {
    const [chainId, diffId] = [found.chainIds.at(-1), found.config.rootfs.diff_ids.at(-1)];
    if (chainId === undefined || diffId === undefined) return;
    const { top, digest, config } = found;
    const description = `pulled from ${byDigest(fullName(asked.ref), top)}`;
    this.#cache.storeBase(keyOf(asked), { chainId, diffId, size }, description, { top, digest, config });
  }

  #known(asked: Asked): CachedBase | undefined {
    const base = this.#cache.find(keyOf(asked))?.base;
    return base && { ...base, chainIds: chainIdsOf(base.config), isRemote: false };
  }
}

function keyOf({ ref, platform }: Asked): string {
  return createHash("sha256")
    .update(`base ${fullName(ref)} ${platform}`)
    .digest("hex");
}

/** The same with the digest that was found, and with its tag for who reads it. */
function byDigest(ref: string, digest: string): string {
  return ref.includes("@") ? ref : `${ref}@${digest}`;
}

function platformOf({ platform }: Asked): { platform?: string } {
  return platform === "" ? {} : { platform };
}

function chainIdsOf(config: ImageConfig): string[] {
  const chains: string[] = [];
  for (const diffId of config.rootfs.diff_ids) chains.push(chainOf(chains.at(-1), diffId));
  return chains;
}
