import type { StoredImage } from "./image-record.ts";
import type { Layers } from "./layers.ts";

export interface StoreUsage {
  /** Bytes of all layers. */
  readonly layersSize: number;
  /** `sharedSize`: the bytes of the layers that another image has, too. */
  readonly images: { id: string; size: number; sharedSize: number }[];
}

export function storeUsage(images: readonly StoredImage[], layers: Layers): StoreUsage {
  const users = new Map<string, number>();
  for (const image of images) for (const chain of image.chainIds) users.set(chain, (users.get(chain) ?? 0) + 1);
  const shared = (chain: string) => ((users.get(chain) ?? 0) > 1 ? (layers.get(chain)?.size ?? 0) : 0);
  return {
    layersSize: layers.all().reduce((sum, layer) => sum + layer.size, 0),
    images: images.map(({ id, size, chainIds }) => ({ id, size, sharedSize: chainIds.reduce((sum, chain) => sum + shared(chain), 0) })),
  };
}
