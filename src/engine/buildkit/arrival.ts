/** Lets callers wait for something that comes soon: a client opens several connections at once, and they arrive in any order. */
export class Arrivals {
  readonly #waiting = new Set<() => void>();

  /** Something came: everyone looks again. */
  tell(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** Resolves to what `look` finds; undefined after `timeoutMs`, or when `signal` is aborted. */
  async wait<T>(look: () => T | undefined, o: { signal: AbortSignal; timeoutMs: number }): Promise<T | undefined> {
    return await new Promise((resolve) => {
      const end = (found: T | undefined) => {
        clearTimeout(timer);
        this.#waiting.delete(again);
        o.signal.removeEventListener("abort", abort);
        resolve(found);
      };
      const again = () => {
        const found = look();
        if (found !== undefined) end(found);
      };
      const abort = () => end(undefined);
      const timer = setTimeout(abort, o.timeoutMs);
      this.#waiting.add(again);
      o.signal.addEventListener("abort", abort, { once: true });
      if (o.signal.aborted) abort();
      else again();
    });
  }
}
