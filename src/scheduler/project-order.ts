import type { Container } from "../api/index.ts";
import { dependenciesOf } from "./dependencies.ts";
import { label, parseDependsOn, serviceOf } from "./labels.ts";
import { findCycle } from "./order.ts";
import type { ProjectContext } from "./project-context.ts";
import type { Dependency } from "./state.ts";

/** What each of these containers' services depends on: by its definition where that is known, else by the labels it was made with. */
export function dependenciesOfServices(context: ProjectContext, containers: readonly Container[]): Map<string, readonly Dependency[]> {
  const all = new Map<string, readonly Dependency[]>();
  for (const container of containers) {
    const service = serviceOf(container);
    const definition = context.definition(service);
    all.set(service, definition ? dependenciesOf(definition) : parseDependsOn(container.Config.Labels?.[label.dependsOn]));
  }
  return all;
}

/**
 * Does the work on each, side by side, but on those of a service only when it is done on all that depend on it. The first error is thrown when all that had
 * begun has ended; what depends on nothing that failed is done all the same.
 */
export async function inReverseOrder(
  context: ProjectContext,
  containers: readonly Container[],
  work: (container: Container) => Promise<void>,
): Promise<void> {
  const dependencies = dependenciesOfServices(context, containers);
  const names = new Map([...dependencies].map(([name, list]) => [name, list.map(({ service }) => service)]));
  // A cycle can only come from labels that were not made together; then the order does not matter.
  const isCyclic = findCycle(names) !== undefined;
  const tasks = new Map<string, Promise<void>>();
  const task = (service: string): Promise<void> => {
    const known = tasks.get(service);
    if (known !== undefined) return known;
    const dependents = isCyclic ? [] : [...names].filter(([, list]) => list.includes(service)).map(([name]) => name);
    const own = (async () => {
      await Promise.all(dependents.map(task));
      await settleAll(containers.filter((container) => serviceOf(container) === service).map(work));
    })();
    tasks.set(service, own);
    return own;
  };
  await settleAll([...names.keys()].map(task));
}

/** Waits for all, then throws the first error. */
export async function settleAll(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}
