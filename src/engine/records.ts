import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { readJsonFile, removeSoon, sweepRemoved, writeFileAtomic } from "../system/index.ts";

/** What is written a moment later waits so long. */
const soonMs = 20;

/**
 * One kind of record, a JSON file each, by id. Read once when opened; every write is an atomic replacement. A file that replaced another gets its blocks on the disk
 * at once (ext4, auto_da_alloc), and whoever replaces or deletes it frees them, 2 to 3 ms where they are discarded: what is likely to go is written `soon`.
 */
export class Records<T> {
  readonly #directory: string;
  readonly #failed: (id: string, error: unknown) => void;
  readonly #all = new Map<string, T>();
  readonly #unwritten = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  /** `failed` is told of a write that was to be done soon. */
  constructor(directory: string, failed: (id: string, error: unknown) => void = () => {}) {
    this.#directory = directory;
    this.#failed = failed;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Answers the files that could not be read: they were moved aside, the rest is there. */
  open(): string[] {
    const bad: string[] = [];
    sweepRemoved(this.#directory);
    for (const name of readdirSync(this.#directory).filter((file) => file.endsWith(".json"))) {
      const path = join(this.#directory, name);
      try {
        this.#all.set(name.slice(0, -5), readJsonFile(path) as T); // written by `put`
      } catch {
        const aside = `${path}.corrupt-${Date.now()}`;
        renameSync(path, aside);
        bad.push(aside);
      }
    }
    return bad;
  }

  get(id: string): T | undefined {
    return this.#all.get(id);
  }
  values(): T[] {
    return [...this.#all.values()];
  }
  put(id: string, record: T): void {
    this.#unwritten.delete(id);
    writeFileAtomic(join(this.#directory, `${id}.json`), JSON.stringify(record));
    this.#all.set(id, record);
  }
  /** For what could be found out again: it is in the file a moment later, or not at all where the record is deleted before. */
  putSoon(id: string, record: T): void {
    this.#all.set(id, record);
    this.#unwritten.add(id);
    this.#timer ??= setTimeout(() => this.flush(), soonMs);
  }
  delete(id: string): void {
    this.#unwritten.delete(id);
    this.#all.delete(id);
    removeSoon(join(this.#directory, `${id}.json`));
  }

  /** Writes what is still to be written. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const id of [...this.#unwritten]) {
      const record = this.#all.get(id);
      this.#unwritten.delete(id);
      try {
        if (record !== undefined) this.put(id, record);
      } catch (error) {
        this.#failed(id, error);
      }
    }
  }
}
