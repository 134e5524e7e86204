import type { DesiredRecord } from "./desired-record.ts";
import { bringUp, type UpContext } from "./up.ts";
import { isPartial } from "./work-queue.ts";

/**
 * Brings what is selected up, and keeps the record in step: written when the request makes sense and before anything is done, and when it is over, without its goal. A
 * dry run leaves no trace.
 */
export async function bringDesired(
  o: Omit<UpContext, "accepted" | "only"> & { readonly desired: DesiredRecord; readonly isClosed: () => boolean },
): Promise<void> {
  const { desired, isClosed, ...work } = o;
  if (work.options.dryRun) return bringUp(work);
  let isAccepted = false;
  const accepted = () => {
    desired.put(work.record);
    isAccepted = true;
  };
  try {
    await bringUp({ ...work, accepted });
    desired.finish(work.selection.all, () => true);
  } catch (error) {
    // What is not there is left for the next request; it is not tried for ever. What an engine that ends has not done, the next engine does.
    if (isAccepted && !isClosed() && !isPartial(work.context.signal)) desired.finish(work.selection.all, (entry) => desired.isThere(entry));
    throw error;
  }
}
