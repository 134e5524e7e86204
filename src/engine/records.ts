import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readJsonFile, writeFileAtomic } from "../system/index.ts";

/** One kind of record, a JSON file each, by id. Read once when opened; every write is an atomic replacement. */
export class Records<T> {
  readonly #directory: string;
  readonly #all = new Map<string, T>();

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Answers the files that could not be read: they were moved aside, the rest is there. */
  open(): string[] {
    const bad: string[] = [];
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
    writeFileAtomic(join(this.#directory, `${id}.json`), JSON.stringify(record));
    this.#all.set(id, record);
  }
  delete(id: string): void {
    this.#all.delete(id);
    rmSync(join(this.#directory, `${id}.json`), { force: true });
  }
}
