import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** So many builds' whole output can be looked up. */
const kept = 200;

/** The logs of the last builds, one file each. */
export class BuildLogs {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Where a build shall write; the oldest of too many go. */
  next(): string {
    const names = readdirSync(this.#directory);
    if (names.length >= kept * 1.25) {
      const files = names.map((name) => join(this.#directory, name)).map((file) => ({ file, ms: statSync(file).mtimeMs }));
      for (const { file } of files.sort((a, b) => b.ms - a.ms).slice(kept)) rmSync(file, { force: true });
    }
    return join(this.#directory, `${randomBytes(8).toString("hex")}.log`);
  }
}
