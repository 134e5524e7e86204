import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Where log lines go: what pino writes to. */
export interface LogDestination {
  write(line: string): void;
}

/**
 * The engine's log in a file, which begins anew when it is full: `engine.log`, and before it `engine.log.1` and so on, `files` in all. A line that cannot be written
 * (the disk is full, or read-only) is lost, and nothing else: the engine goes on.
 */
export class EngineLog implements LogDestination {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #files: number;
  #fd: number | undefined;
  #size = 0;

  constructor(path: string, o: { maxBytes?: number; files?: number } = {}) {
    this.#path = path;
    this.#maxBytes = o.maxBytes ?? 4 << 20;
    this.#files = o.files ?? 3;
  }

  write(line: string): void {
    try {
      this.#fd ??= this.#open();
      if (this.#size > 0 && this.#size + line.length > this.#maxBytes) this.#fd = this.#rotated(this.#fd);
      this.#size += writeSync(this.#fd, line);
    } catch {
      // It is the log that failed: there is no better place to say so.
    }
  }

  #open(): number {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o711 });
    const fd = openSync(this.#path, "a", 0o600);
    this.#size = fstatSync(fd).size;
    return fd;
  }

  #rotated(fd: number): number {
    this.#fd = undefined;
    closeSync(fd);
    for (let age = this.#files - 1; age >= 1; age--) {
      try {
        renameSync(age === 1 ? this.#path : `${this.#path}.${age - 1}`, `${this.#path}.${age}`);
      } catch {
        // There is none of that age yet.
      }
    }
    return this.#open();
  }
}
