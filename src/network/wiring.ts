import type { PlannedAttachment } from "./attachment-plan.ts";

/** What containers failed for, by id. */
export type WiringErrors = ReadonlyMap<string, unknown>;

/**
 * Does the work for all in one batch, and for each alone where that fails, so that nobody fails for another's reason. Whoever fails is undone and has its error
 * answered.
 */
export async function wire(
  planned: readonly PlannedAttachment[],
  o: { together: (some: readonly PlannedAttachment[]) => Promise<void>; undo: (one: PlannedAttachment) => Promise<void> },
): Promise<WiringErrors> {
  const errors = new Map<string, unknown>();
  try {
    await o.together(planned);
  } catch (error) {
    for (const one of planned) {
      try {
        if (planned.length === 1) throw error;
        await o.together([one]);
      } catch (own) {
        errors.set(one.sandbox.containerId, own);
        await o.undo(one);
      }
    }
  }
  return errors;
}

/** Throws what one container failed for. Who does not get to wait for it has failed otherwise. */
export function ready(wired: Promise<WiringErrors>, containerId: string): Promise<void> {
  const own = wired.then((errors) => {
    if (errors.has(containerId)) throw errors.get(containerId);
  });
  own.catch(() => {});
  return own;
}
