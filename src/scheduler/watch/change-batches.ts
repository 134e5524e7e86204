/** What calls back later; `setTimeout` and `performance.now` in the engine. */
export interface Clock {
  nowMs(): number;
  /** Answers how to call it off. */
  after(ms: number, call: () => void): () => void;
}

export interface BatchTimes {
  /** A batch is closed when so long nothing came. */
  readonly quietMs: number;
  /** The same while a path is gone: an editor that saves by rename, or git, is about to put it back. */
  readonly goneQuietMs: number;
  /** Or when it has been open so long. */
  readonly longestMs: number;
}

export const batchTimes: BatchTimes = { quietMs: 10, goneQuietMs: 40, longestMs: 500 };
/** Where a batch is only copied, a second one costs nothing: thousands of files are copied while the last of them are still written. */
export const copyTimes: BatchTimes = { ...batchTimes, longestMs: 100 };

/**
 * Collects changed paths to batches and hands them over one at a time.
 * Invariants: a path is in a batch once, at the place where it first came; what comes while a batch is worked on is in the next one; no change is lost, also
 * where the work fails.
 */
export class ChangeBatches {
  readonly #o: { readonly clock: Clock; readonly times: BatchTimes; readonly work: (paths: readonly string[]) => Promise<void> };
  #paths = new Map<string, "there" | "gone">();
  #openedMs = 0;
  #cancel: (() => void) | undefined;
  #working: Promise<void> | undefined;
  #isDue = false;
  #closed = false;

  constructor(o: { clock: Clock; times: BatchTimes; work: (paths: readonly string[]) => Promise<void> }) {
    this.#o = o;
  }

  add(path: string, state: "there" | "gone"): void {
    if (this.#closed) return;
    const { clock, times } = this.#o;
    if (this.#paths.size === 0) this.#openedMs = clock.nowMs();
    this.#paths.set(path, state);
    this.#cancel?.();
    // Many at once are a checkout, not an editor; to count through them for each event would cost more than it is worth.
    const anyGone = this.#paths.size <= 32 && [...this.#paths.values()].includes("gone");
    const left = this.#openedMs + times.longestMs - clock.nowMs();
    this.#cancel = clock.after(Math.max(0, Math.min(anyGone ? times.goneQuietMs : times.quietMs, left)), () => {
      this.#isDue = true;
      this.#next();
    });
  }

  /** Whether something is waiting or being worked on. */
  get isBusy(): boolean {
    return this.#working !== undefined || this.#paths.size > 0;
  }

  #next(): void {
    if (this.#working || !this.#isDue || this.#paths.size === 0 || this.#closed) return;
    const paths = [...this.#paths.keys()];
    this.#paths = new Map();
    this.#isDue = false;
    this.#cancel?.();
    this.#working = this.#o.work(paths).finally(() => {
      this.#working = undefined;
      this.#next();
    });
  }

  /** What is being worked on is finished; what was not begun is dropped. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#working;
  }
}
