import type { WireError } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { wireError } from "./progress.ts";

/** The work of one project: a piece at a time, in the order it came. An interruption cuts off what is in hand and what waits before it. */
export class WorkQueue {
  #last: Promise<unknown> = Promise.resolve();
  #abort = new AbortController();
  #size = 0;
  readonly #onIdle: () => void;
  #failedRepair = false;
  /** Of the last piece that was not cut off; undefined where it was done. */
  lastError: WireError | undefined;

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  get isBusy(): boolean {
    return this.#size > 0;
  }

  /** Aborted by the next interruption. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** `isRepair`: its success says nothing of the request before it, whose error stays. */
  add<T>(work: (signal: AbortSignal) => Promise<T>, o: { isRepair?: boolean } = {}): Promise<T> {
    const { signal } = this.#abort;
    this.#size++;
    const next = this.#last.then(async () => {
      try {
        signal.throwIfAborted();
        const result = await work(signal);
        if (!o.isRepair || this.#failedRepair) this.lastError = undefined;
        return result;
      } catch (error) {
        this.lastError = signal.aborted ? undefined : wireError(error);
        this.#failedRepair = o.isRepair === true;
        throw error;
      } finally {
        this.#size--;
        if (this.#size === 0) this.#onIdle();
      }
    });
    this.#last = next.catch(() => {});
    return next;
  }

  interrupt(because: string): void {
    this.#abort.abort(new BerthError("scheduler/cancelled", `cut off, because ${because}`));
    this.#abort = new AbortController();
  }

  async settled(): Promise<void> {
    await this.#last;
  }
}
