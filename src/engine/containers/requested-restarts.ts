/** The containers that somebody restarts now: an end in the middle of that is not their end. */
export class RequestedRestarts {
  readonly #running = new Map<string, Promise<unknown>>();

  async during(id: string, restart: () => Promise<void>): Promise<void> {
    const done = restart();
    const both = Promise.allSettled([this.#running.get(id), done]);
    this.#running.set(id, both);
    try {
      await done;
    } finally {
      if (this.#running.get(id) === both) this.#running.delete(id);
    }
  }

  has(id: string): boolean {
    return this.#running.has(id);
  }

  /** Settles when the restarts of this container that are under way now have succeeded or failed. */
  async over(id: string): Promise<void> {
    await this.#running.get(id);
  }
}
