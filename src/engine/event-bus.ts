import type { DockerEvent } from "../api/index.ts";

const kept = 1000;

/** Docker's events: told as they happen, the last thousand kept for `since`. Snapshot and subscription are one step, so nothing falls between them. */
export class EventBus {
  readonly #past: DockerEvent[] = [];
  readonly #listeners = new Set<(event: DockerEvent) => void>();

  emit(type: DockerEvent["Type"], action: string, id: string, attributes: Record<string, string>): void {
    const now = Date.now();
    const event: DockerEvent = {
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: attributes },
      scope: "local",
      time: Math.floor(now / 1000),
      timeNano: now * 1e6,
    };
    this.#past.push(event);
    if (this.#past.length > kept) this.#past.shift();
    for (const listener of this.#listeners) listener(event);
  }

  subscribe(listener: (event: DockerEvent) => void): { past: readonly DockerEvent[]; stop: () => void } {
    this.#listeners.add(listener);
    return { past: [...this.#past], stop: () => this.#listeners.delete(listener) };
  }

  get listeners(): number {
    return this.#listeners.size;
  }
}
