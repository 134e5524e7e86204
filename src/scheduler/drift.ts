import type { DockerEvent } from "../api/index.ts";
import type { Action, Plan } from "./action.ts";
import { label } from "./labels.ts";

/**
 * Of a plan only what makes missing containers again, with what these need. What is there is never changed between two requests: another client may be in the
 * middle of something with it.
 */
export function driftPlan(plan: Plan): Plan {
  const byId = new Map(plan.actions.map((action) => [action.id, action]));
  const kept = new Set<Action>();
  const keep = (action: Action | undefined): void => {
    if (!action || kept.has(action)) return;
    kept.add(action);
    for (const id of action.after) keep(byId.get(id));
  };
  for (const action of plan.actions) if (action.kind === "create" || action.kind === "start") keep(action);
  const changes = new Set(
    [...kept].filter((action) => ["recreate", "recreate-network", "remove", "restart"].includes(action.kind)).map(({ id }) => id),
  );
  const isBlocked = (action: Action): boolean => changes.has(action.id) || action.after.some((id) => isBlocked(byId.get(id) ?? action));
  return { actions: plan.actions.filter((action) => kept.has(action) && !isBlocked(action)), warnings: [] };
}

/** Tells a stop that is followed by a removal (a user, by whichever client, is done with a container) from a removal out of the blue, which has no stop. */
export class OrderlyStops {
  readonly #stopped = new Set<string>();

  see({ Action: action, Actor: { ID: id } }: DockerEvent): void {
    if (action === "stop") this.#stopped.add(id);
    if (action === "start" || action === "destroy") this.#stopped.delete(id);
  }

  has(id: string): boolean {
    return this.#stopped.has(id);
  }
}

export const isOneOffEvent = (event: DockerEvent): boolean => event.Actor.Attributes[label.oneOff]?.toLowerCase() === "true";
