import { closeSync, constants, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../system/index.ts";
import type { ContainerPaths } from "./container-paths.ts";
import type { LogKeeping } from "./log-options.ts";

const lookMs = 500;
/** conmon's control messages: this one makes it open its log anew. */
const reopenLogs = "2 0 0\n";

interface Logger {
  warn(data: object, message: string): void;
}

/** Begins a new log file where the current one is full, for containers that keep several (`max-file`). Sizes are looked at twice a
 * second; while no engine runs, a log grows on. */
export class LogRotation {
  readonly #paths: ContainerPaths;
  readonly #log: Logger;
  readonly #watched = new Map<string, LogKeeping>();
  #timer: NodeJS.Timeout | undefined;

  constructor(paths: ContainerPaths, log: Logger) {
    this.#paths = paths;
    this.#log = log;
  }

  watch(id: string, keeping: LogKeeping): void {
    if (keeping.files < 2 || !keeping.sizeBytes) return;
    this.#watched.set(id, keeping);
    this.#timer ??= setInterval(() => this.#look(), lookMs).unref();
  }

  forget(id: string): void {
    this.#watched.delete(id);
    if (this.#watched.size === 0) this.close();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    for (const [id, keeping] of this.#watched) {
      try {
        this.#rotate(id, keeping);
      } catch (error) {
        this.#log.warn({ container: id, err: messageOf(error), effect: "it grows on" }, "a log could not be rotated");
      }
    }
  }

  #rotate(id: string, { sizeBytes = 0, files }: LogKeeping): void {
    const path = this.#paths.logPath(id);
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) < sizeBytes) return;
    const control = openSync(join(this.#paths.bundle(id), "ctl"), constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      rmSync(`${path}.${files - 1}`, { force: true });
      for (let age = files - 2; age >= 1; age--)
        if (statSync(`${path}.${age}`, { throwIfNoEntry: false })) renameSync(`${path}.${age}`, `${path}.${age + 1}`);
      renameSync(path, `${path}.1`);
      writeSync(control, reopenLogs);
    } finally {
      closeSync(control);
    }
  }
}
