import type { WireError } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { wireError } from "./progress.ts";

/** Why a piece of work does not go on. `services`: only with these, the rest of it may. */
export class CutOff extends BerthError {
  readonly services: ReadonlySet<string> | undefined;

  constructor(because: string, services: ReadonlySet<string> | undefined) {
    super("scheduler/cancelled", `cut off, because ${because}`);
    this.services = services;
  }
}

interface Interruptible {
  readonly services: ReadonlySet<string> | undefined;
  readonly yields: boolean;
  readonly abort: AbortController;
}

interface Piece extends Interruptible {
  done: Promise<unknown>;
}

export interface PieceOptions {
  /** What it is about; everything where this is not given. */
  readonly services?: ReadonlySet<string> | undefined;
  /** It can be cut off with some of its services and go on with the others: `withoutCutOff` does that. */
  readonly yields?: boolean;
  /** It waits only for work on its own services, not for what is in hand with others. */
  readonly beside?: boolean;
  /** Its success says nothing of the request before it, whose error stays. */
  readonly isRepair?: boolean;
}

/** The work of one project, in the order it came: a piece at a time, but for those that go beside. An interruption cuts off what is in hand and what waits before it. */
export class WorkQueue {
  readonly #pieces = new Set<Piece>();
  readonly #aside = new Set<Interruptible>();
  readonly #onIdle: () => void;
  #failedRepair = false;
  /** Of the last piece that was not cut off; undefined where it was done. */
  lastError: WireError | undefined;

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  get isBusy(): boolean {
    return this.#pieces.size > 0;
  }

  add<T>(work: (signal: AbortSignal) => Promise<T>, o: PieceOptions = {}): Promise<T> {
    const { services, yields = false } = o;
    const before = [...this.#pieces].filter((piece) => !o.beside || overlap(piece.services, services));
    const piece: Piece = { services, yields, abort: new AbortController(), done: Promise.resolve() };
    const { signal } = piece.abort;
    this.#pieces.add(piece);
    const next = Promise.all(before.map(({ done }) => done)).then(async () => {
      try {
        signal.throwIfAborted();
        const result = await work(signal);
        if (!o.isRepair || this.#failedRepair) this.lastError = undefined;
        return result;
      } catch (error) {
        this.lastError = signal.aborted ? undefined : wireError(error);
        this.#failedRepair = o.isRepair === true;
        throw isPartial(signal) ? signal.reason : error;
      } finally {
        this.#pieces.delete(piece);
        if (this.#pieces.size === 0) this.#onIdle();
      }
    });
    piece.done = next.catch(() => {});
    return next;
  }

  /** Work that takes no turn, cut off as the rest is. */
  async aside<T>(services: ReadonlySet<string>, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const piece = { services, yields: false, abort: new AbortController() };
    this.#aside.add(piece);
    try {
      return await work(piece.abort.signal);
    } finally {
      this.#aside.delete(piece);
    }
  }

  /** Does work on services; where some are taken from it on the way it begins again with those that are left. @throws CutOff when none is */
  async withoutCutOff<T>(
    services: ReadonlySet<string>,
    work: (signal: AbortSignal, services: ReadonlySet<string>) => Promise<T>,
  ): Promise<T> {
    for (let left = services; ; ) {
      try {
        return await this.add((signal) => work(signal, left), { services: left, yields: true });
      } catch (error) {
        const taken = error instanceof CutOff ? error.services : undefined;
        left = new Set([...left].filter((name) => !taken?.has(name)));
        if (!taken || left.size === 0) throw error;
      }
    }
  }

  /** Of all work, or only of that on these services. What cannot go on without them, and is about others as well, is let be done. */
  interrupt(because: string, services?: ReadonlySet<string>): void {
    for (const piece of [...this.#pieces, ...this.#aside]) {
      const isWhole = !services || (piece.services !== undefined && [...piece.services].every((name) => services.has(name)));
      if (isWhole) piece.abort.abort(new CutOff(because, undefined));
      else if (piece.yields && overlap(piece.services, services)) piece.abort.abort(new CutOff(because, services));
    }
  }

  async settled(): Promise<void> {
    while (this.#pieces.size > 0) await Promise.all([...this.#pieces].map(({ done }) => done));
  }
}

/** Whether the work that the signal is for is to begin again with fewer services. */
export function isPartial(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason instanceof CutOff && signal.reason.services !== undefined;
}

function overlap(one: ReadonlySet<string> | undefined, other: ReadonlySet<string> | undefined): boolean {
  return !one || !other || [...one].some((name) => other.has(name));
}
