import { setTimeout } from "node:timers/promises";

/** Waits; an abort ends the waiting and is no error. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
