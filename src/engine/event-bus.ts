import type { DockerEvent } from "../api/index.ts";

const kept = 1000;

/** Docker's events: told as they happen, the last thousand kept for `since`. Snapshot and subscription are one step, so nothing falls between them. */
export class EventBus {
  readonly #past: DockerEvent[] = [];
  #lastNano = 0;
  readonly #listeners = new Set<(event: DockerEvent) => void>();

  emit(type: DockerEvent["Type"], action: string, id: string, attributes: Record<string, string>): void {
    const nowNano = this.#nowNano();
    const event: DockerEvent = {
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: attributes },
      scope: "local",
      time: Math.floor(nowNano / 1e9),
      timeNano: nowNano,
    };
    this.#past.push(event);
    if (this.#past.length > kept) this.#past.shift();
    for (const listener of this.#listeners) listener(event);
  }

  subscribe(listener: (event: DockerEvent) => void): { past: readonly DockerEvent[]; stop: () => void } {
    this.#listeners.add(listener);
    return { past: [...this.#past], stop: () => this.#listeners.delete(listener) };
  }

  /**
   * Nanoseconds since the epoch, as exactly as a number of JavaScript holds them (256 ns); each later than the one before it, so that clients can sort by them. By
   * the clock of the machine, which `since` and `until` mean: the monotonic one stands still while it sleeps. A clock that is set back is followed.
   */
  #nowNano(): number {
    const nowNano = Date.now() * 1e6;
    const isBack = this.#lastNano - nowNano > 1e9;
    this.#lastNano = nowNano > this.#lastNano || isBack ? nowNano : this.#lastNano + 1024;
    return this.#lastNano;
  }

  get listeners(): number {
    return this.#listeners.size;
  }
}
