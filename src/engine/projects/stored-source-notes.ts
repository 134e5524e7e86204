import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { SourceNotes } from "../../scheduler/index.ts";
import { errnoOf } from "../../system/index.ts";

/** One file of paths, each ended by a NUL; what an engine that was killed wrote half of is not taken. */
export class StoredSourceNotes implements SourceNotes {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  read(): string[] {
    try {
      return readFileSync(this.#file, "utf8").split("\0").slice(0, -1);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return [];
      throw error;
    }
  }

  begin(paths: readonly string[]): void {
    mkdirSync(dirname(this.#file), { recursive: true, mode: 0o711 });
    writeFileSync(`${this.#file}.tmp`, lines(paths), { mode: 0o600 });
    renameSync(`${this.#file}.tmp`, this.#file);
  }

  add(paths: readonly string[]): void {
    appendFileSync(this.#file, lines(paths), { mode: 0o600 });
  }
}

const lines = (paths: readonly string[]): string => paths.map((path) => `${path}\0`).join("");
