/** Takes what a step says. A promise where there is too much for now: then the step waits. */
export type TakeOutput = (stream: 1 | 2, text: string) => Promise<void> | undefined;

/** Characters of a step's output that are kept for a build that joins it. */
const keptOutput = 1024 * 1024;

interface Flight {
  readonly result: Promise<unknown>;
  readonly controller: AbortController;
  readonly listeners: Set<TakeOutput>;
  readonly said: { stream: 1 | 2; text: string }[];
  waiting: number;
}

/** Identical steps of builds that run at the same time are done once. The work is cancelled when the last build that waits for it is. */
export class StepsInFlight {
  private readonly flights = new Map<string, Flight>();

  async join<T>(
    key: string,
    o: { signal: AbortSignal; onOutput: TakeOutput },
    work: (o: { signal: AbortSignal; onOutput: TakeOutput }) => Promise<T>,
  ): Promise<T> {
    o.signal.throwIfAborted();
    let flight = this.flights.get(key);
    if (!flight) {
      const controller = new AbortController();
      const listeners: Flight["listeners"] = new Set();
      const said: Flight["said"] = [];
      let size = 0;
      const onOutput: TakeOutput = (stream, text) => {
        said.push({ stream, text });
        size += text.length;
        while (size > keptOutput && said.length > 1) size -= said.shift()?.text.length ?? 0;
        const waits = [...listeners].map((listener) => listener(stream, text)).filter((wait) => wait !== undefined);
        return waits.length > 0 ? Promise.all(waits).then(() => {}) : undefined;
      };
      const result = Promise.resolve()
        .then(() => work({ signal: controller.signal, onOutput }))
        .finally(() => this.flights.delete(key));
      flight = { result, controller, listeners, said, waiting: 0 };
      this.flights.set(key, flight);
    }
    const joined = flight;
    joined.waiting++;
    for (const { stream, text } of joined.said) void o.onOutput(stream, text);
    joined.listeners.add(o.onOutput);
    const abort = () => {
      if (joined.waiting === 1) joined.controller.abort(o.signal.reason);
    };
    o.signal.addEventListener("abort", abort, { once: true });
    try {
      if (o.signal.aborted) abort();
      return (await joined.result) as T; // the same key is always the same kind of work
    } finally {
      joined.waiting--;
      joined.listeners.delete(o.onOutput);
      o.signal.removeEventListener("abort", abort);
    }
  }
}
