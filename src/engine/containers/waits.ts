/** Who waits for the start or the removal of a container. For one who goes away (his signal is aborted) it never settles, and nothing of him stays. */
export class ContainerWaits {
  readonly #starts = new Map<string, Set<() => void>>();
  readonly #removals = new Map<string, Set<(exitCode: number) => void>>();

  /** Settles at the next start, also at one that does not succeed: then it is over, and the record says how. */
  start(id: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => addWaiter(setOf(this.#starts, id), () => resolve(), signal));
  }

  /** Settles with the last exit code. */
  removal(id: string, signal: AbortSignal): Promise<number> {
    return new Promise((resolve) => addWaiter(setOf(this.#removals, id), resolve, signal));
  }

  tellStart(id: string): void {
    for (const tell of this.#starts.get(id) ?? []) tell();
    this.#starts.delete(id);
  }

  tellRemoval(id: string, exitCode: number): void {
    for (const tell of this.#removals.get(id) ?? []) tell(exitCode);
    this.#removals.delete(id);
    // Who waited for a start of it waits for nothing.
    this.tellStart(id);
  }

  /** How many wait. */
  get size(): number {
    return [...this.#starts.values(), ...this.#removals.values()].reduce((sum, set) => sum + set.size, 0);
  }
}

/** Until it is told, or its signal is aborted. */
export function addWaiter<T extends unknown[]>(set: Set<(...told: T) => void>, tell: (...told: T) => void, signal: AbortSignal): void {
  if (signal.aborted) return;
  const gone = () => set.delete(waiter);
  const waiter = (...told: T) => {
    signal.removeEventListener("abort", gone);
    tell(...told);
  };
  set.add(waiter);
  signal.addEventListener("abort", gone, { once: true });
}

function setOf<T>(all: Map<string, Set<T>>, id: string): Set<T> {
  const set = all.get(id) ?? new Set();
  all.set(id, set);
  return set;
}
