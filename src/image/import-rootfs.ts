import type { Readable } from "node:stream";
import type { ImageConfig } from "../api/index.ts";
import { parsePlatform } from "./manifest.ts";
import type { ImageStore } from "./store.ts";

/** An image of one layer from a root file system archive. `.wh.` names are ordinary files here, as in `docker import`. */
export async function importRootfs(
  store: ImageStore,
  input: Readable,
  o: { ref?: string; message?: string; platform?: string; config?: Partial<ImageConfig>; signal: AbortSignal },
): Promise<string> {
  const layer = await store.transferring(() =>
    store.addLayer({ parent: undefined, input: input as AsyncIterable<Uint8Array>, whiteouts: false, signal: o.signal }),
  );
  const { os, architecture, variant } = parsePlatform(o.platform, store.host.architecture);
  const created = o.config?.created ?? new Date().toISOString();
  const id = store.createImage({
    config: {
      architecture,
      os,
      ...(variant ? { variant } : {}),
      created,
      ...(o.config?.author ? { author: o.config.author } : {}),
      config: o.config?.config ?? {},
      rootfs: { type: "layers", diff_ids: [layer.diffId] },
      history: o.config?.history ?? [{ created, comment: o.message ?? "Imported from -" }],
    },
  });
  store.tell({ action: "import", id });
  if (o.ref) store.tag(id, o.ref);
  return id;
}
