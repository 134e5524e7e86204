import type { ImageConfig } from "../api/index.ts";
import type { PullOptions } from "./registry-options.ts";
import { type Image, layersOf, manifestOf, withRegistry } from "./registry-pull.ts";
import type { ImageStore } from "./store.ts";

/** What a reference means in its registry now: the digest that it has there, and that of the manifest for one platform. */
export interface RemoteDigests {
  readonly top: string;
  readonly digest: string;
}

/** @throws BerthError as `pull` does */
export async function remoteDigests(store: ImageStore, ref: string, o: PullOptions): Promise<RemoteDigests> {
  return await withRegistry(store, ref, o, async (client, reference) => {
    const { top, found } = await manifestOf(store, client, reference, o);
    return { top: top.digest, digest: found.digest };
  });
}

/** The layers of an image, which come into the store while no image of it does: whoever wants to keep them names them to the store. */
export async function pullLayers(
  store: ImageStore,
  ref: string,
  o: PullOptions,
): Promise<RemoteDigests & { readonly config: ImageConfig; readonly chainIds: readonly string[]; readonly size: number }> {
  return await withRegistry(store, ref, o, async (client, reference) => {
    const { top, found } = await manifestOf(store, client, reference, o);
    const { config, chainIds }: Image = await layersOf(store, client, reference.repository, found.parsed, o);
    const size = chainIds.reduce((sum, chain) => sum + (store.layer(chain)?.size ?? 0), 0);
    return { top: top.digest, digest: found.digest, config, chainIds, size };
  });
}
