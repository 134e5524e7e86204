/** Who waits for the start or the removal of a container. */
export class ContainerWaits {
  readonly #starts = new Map<string, Set<() => void>>();
  readonly #removals = new Map<string, Set<(exitCode: number) => void>>();

  /** Settles at the next start, also at one that does not succeed: then it is over, and the record says how. */
  start(id: string): Promise<void> {
    return new Promise((resolve) => add(this.#starts, id, () => resolve()));
  }

  /** Settles with the last exit code. */
  removal(id: string): Promise<number> {
    return new Promise((resolve) => add(this.#removals, id, resolve));
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
}

function add<T>(all: Map<string, Set<T>>, id: string, tell: T): void {
  const set = all.get(id) ?? new Set();
  set.add(tell);
  all.set(id, set);
}
