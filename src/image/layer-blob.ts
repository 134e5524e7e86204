import { createReadStream } from "node:fs";
import { BerthError, BufferGarbage } from "../system/index.ts";
import type { Descriptor } from "./image-record.ts";
import { tarSize } from "./layer-diff.ts";
import { mediaTypes } from "./manifest.ts";
import type { ImageStore } from "./store.ts";

export interface LayerBlob extends Descriptor {
  /** The bytes, anew for each call. */
  read(): AsyncIterable<Buffer>;
}

/** The archive of a layer: the one it came as, or (layers made here) its tar made again, whose digest is the diff id. */
export function layerBlob(store: ImageStore, chainId: string): LayerBlob {
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
