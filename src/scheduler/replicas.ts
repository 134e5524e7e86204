import type { ObservedContainer } from "./state.ts";

/** A service's containers beyond the number of replicas: the newest numbers go first, and of two with one number the older. */
export function surplusContainers(own: readonly ObservedContainer[], replicas: number): ObservedContainer[] {
  const byNumber = new Map<number, ObservedContainer>();
  for (const container of [...own].sort((a, b) => b.createdMs - a.createdMs || (a.id < b.id ? -1 : 1)))
    if (!byNumber.has(container.number)) byNumber.set(container.number, container);
  const kept = new Set([...byNumber.values()].sort((a, b) => a.number - b.number).slice(0, replicas));
  return own.filter((container) => !kept.has(container));
}

/** The lowest numbers that new containers get, beside those that stay. */
export function freeNumbers(kept: readonly ObservedContainer[], replicas: number): number[] {
  const used = new Set(kept.map((container) => container.number));
  const free: number[] = [];
  for (let number = 1; used.size + free.length < replicas; number++) if (!used.has(number)) free.push(number);
  return free;
}
