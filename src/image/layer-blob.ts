import { createReadStream } from "node:fs";
import { BerthError, BufferGarbage } from "../system/index.ts";
import type { Descriptor, LayerRecord } from "./image-record.ts";
import { tarSize } from "./layer-diff.ts";
import { mediaTypes } from "./manifest.ts";

export interface LayerBlob extends Descriptor {
  /** The bytes, anew for each call. */
  read(): AsyncIterable<Buffer>;
}

/** What of a store a layer is read from. */
export interface LayerSource {
  layer(chainId: string): LayerRecord | undefined;
  hasBlob(digest: string): boolean;
  blobPath(digest: string): string;
  layerDir(chainId: string): string;
  diffTar(upperDir: string): AsyncIterable<Buffer>;
}

/** How an image is written for others, where that is not how it is kept. */
export interface ImagePacking {
  /** The layer as it is to be written. */
  readonly pack?: (blob: LayerBlob, diffId: string) => Promise<LayerBlob>;
  /** Of the manifest. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The layers of an image, bottom first, as they are to be written. */
export async function packedLayers(
  store: LayerSource,
  image: { readonly chainIds: readonly string[]; readonly config: { readonly rootfs: { readonly diff_ids: readonly string[] } } },
  { pack }: ImagePacking,
): Promise<LayerBlob[]> {
  const layers: LayerBlob[] = [];
  for (const [at, chain] of image.chainIds.entries()) {
    const blob = layerBlob(store, chain);
    layers.push(pack ? await pack(blob, image.config.rootfs.diff_ids[at] ?? blob.digest) : blob);
  }
  return layers;
}

/** The part of a manifest that says something of the image beside its content. */
export function annotated({ annotations = {} }: ImagePacking): { annotations?: Record<string, string> } {
  return Object.keys(annotations).length > 0 ? { annotations: { ...annotations } } : {};
}

/** The archive of a layer: the one it came as, or (layers made here) its tar made again, whose digest is the diff id. */
export function layerBlob(store: LayerSource, chainId: string): LayerBlob {
  const layer = store.layer(chainId);
  if (!layer) throw new BerthError("image/not-found", `No such layer: ${chainId}`);
  const { blob } = layer;
  if (blob && store.hasBlob(blob.digest)) {
    return { ...blob, read: () => swept(createReadStream(store.blobPath(blob.digest), { highWaterMark: 1 << 20 })) };
  }
  const directory = store.layerDir(chainId);
  return {
    digest: layer.diffId,
    size: tarSize(directory),
    mediaType: mediaTypes.ociLayer,
    read: () => swept(store.diffTar(directory)),
  };
}

async function* swept(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const garbage = new BufferGarbage();
  for await (const chunk of bytes) {
    yield chunk;
    garbage.passed(chunk.length);
  }
}
