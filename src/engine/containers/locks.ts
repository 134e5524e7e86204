/**
 * One change at a time per container. Several are taken in one step, so that two callers that want the same ones never wait for each other in a circle.
 */
export class ContainerLocks {
  readonly #last = new Map<string, Promise<void>>();

  /** Waits for its turn with each of them; the answer gives them back, one by one. */
  async take(ids: readonly string[]): Promise<(id: string) => void> {
    const releases = new Map<string, () => void>();
    const before: (Promise<void> | undefined)[] = [];
    for (const id of new Set(ids)) {
      before.push(this.#last.get(id));
      const held = new Promise<void>((resolve) => releases.set(id, resolve));
      this.#last.set(id, held);
      void held.then(() => this.#last.get(id) === held && this.#last.delete(id));
    }
    await Promise.all(before);
    return (id) => releases.get(id)?.();
  }

  async with<T>(id: string, work: () => T | Promise<T>): Promise<T> {
    const release = await this.take([id]);
    try {
      return await work();
    } finally {
      release(id);
    }
  }

  /** Settles when nobody holds it any more who held it now. */
  async quiet(id: string): Promise<void> {
    await this.#last.get(id);
  }

  async allQuiet(): Promise<void> {
    await Promise.all(this.#last.values());
  }
}
