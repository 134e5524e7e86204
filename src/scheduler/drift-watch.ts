import type { DockerEvent } from "../api/index.ts";
import { messageOf } from "../system/index.ts";
import { isOneOffEvent, OrderlyStops } from "./drift.ts";
import { label } from "./labels.ts";

/** How long what goes away has to be quiet before it is repaired: another client that takes the whole project down is not to be fought. */
const quietMs = 300;
/** A repair that failed is tried again after 1, 2, 4, ... up to 60 s. */
const maxRetryMs = 60_000;

export interface DriftWatchOptions {
  readonly repair: () => Promise<void>;
  /** A user has stopped a container of this service and removed it. */
  readonly removed: (service: string) => void;
  readonly isDesired: (service?: string) => boolean;
  readonly isBusy: () => boolean;
  readonly warn: (data: object, message: string) => void;
}

/** Notices that containers of a project went away, and has that repaired when it is quiet: by and by where it cannot be done at once. */
export class DriftWatch {
  readonly #o: DriftWatchOptions;
  readonly #stops = new OrderlyStops();
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  /** Something went away while work was in hand, by it or by somebody else. */
  #missed = false;
  #closed = false;

  constructor(o: DriftWatchOptions) {
    this.#o = o;
  }

  get isPending(): boolean {
    return this.#timer !== undefined;
  }

  /** Something happened to a container of the project; only one that goes away gives work. */
  see(event: DockerEvent): void {
    const wasStopped = this.#stops.has(event.Actor.ID);
    this.#stops.see(event);
    if (this.#closed || event.Action !== "destroy" || isOneOffEvent(event)) return;
    const service = event.Actor.Attributes[label.service] ?? "";
    if (this.#o.isBusy()) this.#missed = true;
    else if (!this.#o.isDesired(service)) return;
    // Stopped in an orderly way and then removed is a user's decision, by whichever client.
    else if (wasStopped) this.#o.removed(service);
    else this.#soon(quietMs);
  }

  /** The work that was in hand is done: was anything missed meanwhile? */
  idle(): void {
    if (this.#missed && this.#o.isDesired()) this.#soon(quietMs);
    this.#missed = false;
  }

  /** At once, and again while it fails. */
  start(work: () => Promise<void> = this.#o.repair): void {
    work().then(
      () => {
        this.#failures = 0;
      },
      (error: unknown) => this.#again(error),
    );
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  close(): void {
    this.#closed = true;
    this.cancel();
  }

  #soon(delayMs: number): void {
    this.cancel();
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.start();
    }, delayMs);
  }

  #again(error: unknown): void {
    if (this.#closed || !this.#o.isDesired()) return;
    this.#failures++;
    const delayMs = Math.min(maxRetryMs, 500 * 2 ** this.#failures);
    this.#o.warn({ err: messageOf(error), effect: `tried again in ${delayMs} ms` }, "a project could not be repaired");
    this.#soon(delayMs);
  }
}
