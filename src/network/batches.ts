interface Job<In, Out> {
  readonly items: readonly In[];
  resolve(results: readonly Out[]): void;
  reject(error: unknown): void;
}

/**
 * Work that comes from many callers at once, done in batches: what is asked for while a batch is under way becomes the next one. A batch that fails is done again
 * caller by caller, so that nobody fails for another's reason. `work` undoes everything when it throws.
 */
export class Batches<In, Out> {
  readonly #work: (items: readonly In[]) => Promise<readonly Out[]>;
  readonly #turn: <T>(work: () => Promise<T>) => Promise<T>;
  #waiting: Job<In, Out>[] = [];

  /** `turn` lets one piece of work go on at a time, also of other kinds. */
  constructor(turn: <T>(work: () => Promise<T>) => Promise<T>, work: (items: readonly In[]) => Promise<readonly Out[]>) {
    this.#turn = turn;
    this.#work = work;
  }

  do(items: readonly In[]): Promise<readonly Out[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ items, resolve, reject });
      if (this.#waiting.length > 1) return;
      this.#turn(async () => {
        const jobs = this.#waiting;
        this.#waiting = [];
        await this.#doAll(jobs);
      }).catch(reject);
    });
  }

  async #doAll(jobs: readonly Job<In, Out>[]): Promise<void> {
    try {
      const results = await this.#work(jobs.flatMap((job) => job.items));
      let at = 0;
      for (const job of jobs) {
        job.resolve(results.slice(at, at + job.items.length));
        at += job.items.length;
      }
    } catch (error) {
      if (jobs.length === 1) jobs[0]?.reject(error);
      else for (const job of jobs) await this.#doAll([job]);
    }
  }
}
