import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, messageOf, removeTree } from "../system/index.ts";

/** Removals come together; what is slow about them begins when they are over. */
const quietMs = 50;

/**
 * Directories that are removed: gone from their place at once, by one rename, and deleted afterwards, file by file, while nobody waits. What a killed engine did not
 * get to, the next one deletes. The directory is on the file system of what is put there.
 */
export class RemovedTrees {
  readonly #directory: string;
  readonly #log: { warn(data: object, message: string): void };
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(directory: string, log: { warn(data: object, message: string): void }) {
    this.#directory = directory;
    this.#log = log;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (readdirSync(directory).length > 0) this.#deleteSoon();
  }

  /** What is not there is removed. A name that is not used for anything else, as an id. */
  take(path: string, name: string): void {
    try {
      renameSync(path, join(this.#directory, name));
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return;
      throw error;
    }
    this.#deleteSoon();
  }

  /** Settles when everything is deleted. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#delete();
    await this.#work;
  }

  #deleteSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#delete(), quietMs);
  }

  #delete(): void {
    this.#work = this.#work.then(async () => {
      for (const name of readdirSync(this.#directory)) {
        await removeTree(join(this.#directory, name)).catch((error: unknown) =>
          this.#log.warn(
            { directory: name, err: messageOf(error), effect: "the next engine tries again" },
            "a removed directory stays on the disk",
          ),
        );
      }
    });
  }
}
