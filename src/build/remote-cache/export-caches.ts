import type { BuildRequest } from "../build-request.ts";
import type { Session } from "../session.ts";
import type { StageState } from "../stage-state.ts";
import type { BlobDescriptor, OpenCache } from "./cache-content.ts";
import { exportOptions } from "./cache-entry.ts";
import type { CompressedLayers } from "./compressed-layers.ts";
import { exportCache } from "./export-cache.ts";

/** Writes the caches that a request asks for, the inline one aside, which is in the image. Answers what the last of them wrote. */
export async function exportCaches(
  { cacheTo = [] }: BuildRequest,
  state: StageState,
  o: { session: Session; compressed: CompressedLayers; open: OpenCache | undefined; scratch: string },
): Promise<BlobDescriptor | undefined> {
  const { images, imported, progress, signal, used } = o.session;
  const { compressed, open, scratch } = o;
  const ensure = (layers: readonly { readonly chainId: string }[]) => imported.ensure(layers);
  let last: BlobDescriptor | undefined;
  try {
    for (const entry of cacheTo) {
      if (entry.type === "inline") continue;
      const steps = used.of(exportOptions(entry).mode, state.layers);
      last = (await exportCache(entry, steps, { images, compressed, open, progress, scratch, signal, ensure })) ?? last;
    }
  } finally {
    if (cacheTo.length > 0) compressed.save();
  }
  return last;
}
