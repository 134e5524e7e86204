import { serviceOf } from "./labels.ts";
import type { Backend } from "./ports.ts";
import { containersOf, projectContainers } from "./project-context.ts";
import { type DesiredEntry, type ProjectRecord, withoutGoal, withServices } from "./project-record.ts";
import type { SourceNotes } from "./watch/source-notes.ts";

/** Where desired states are kept. */
export interface ProjectStore {
  get(name: string): ProjectRecord | undefined;
  put(name: string, record: ProjectRecord): void;
  /** Also the files that were written for its containers. */
  delete(name: string): void;
  sourceNotes(name: string): SourceNotes;
}

/** The record of one project in its store, and how it follows what became of the containers. */
export class DesiredRecord {
  readonly #name: string;
  readonly #store: ProjectStore;
  readonly #backend: Backend;

  constructor(name: string, o: { store: ProjectStore; backend: Backend }) {
    this.#name = name;
    this.#store = o.store;
    this.#backend = o.backend;
  }

  get(): ProjectRecord | undefined {
    return this.#store.get(this.#name);
  }

  put(record: ProjectRecord): void {
    this.#store.put(this.#name, record);
  }

  delete(): void {
    this.#store.delete(this.#name);
  }

  /** Where no service is left, nothing is asked for any more. */
  putOrDelete(record: ProjectRecord): void {
    if (Object.keys(record.services).length === 0) this.delete();
    else this.put(record);
  }

  /**
   * An up is over: these services came up, or did not. Beside it services that it was not about may have been stopped or removed: what the store has now is changed.
   */
  finish(services: Iterable<string>, isSettled: (entry: DesiredEntry) => boolean): void {
    const now = this.get();
    if (now) this.put(withoutGoal(withServices(now, services, (entry) => ({ ...entry, settled: isSettled(entry) }))));
  }

  /** Whether as many containers are there as are asked for, and run where they are to. */
  isThere(entry: DesiredEntry): boolean {
    const own = containersOf({ backend: this.#backend, name: this.#name }, entry.definition.name);
    return own.length >= entry.replicas && own.every((container) => container.State.Running || !entry.start);
  }

  /** What a user removed is no longer asked for. */
  dropRemoved(services: readonly string[]): void {
    const record = this.get();
    if (!record) return;
    const left = projectContainers({ backend: this.#backend, name: this.#name });
    const next = withServices(record, services, (entry) => {
      const replicas = left.filter((container) => serviceOf(container) === entry.definition.name).length;
      return replicas === 0 ? undefined : { ...entry, replicas: Math.min(entry.replicas, replicas), settled: true };
    });
    this.putOrDelete(next);
  }
}
