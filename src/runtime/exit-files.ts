import { existsSync, type FSWatcher, readdirSync, readFileSync, statSync, watch } from "node:fs";
import { join } from "node:path";
import type { ContainerPaths } from "./container-paths.ts";

export interface ExitInfo {
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly finishedAt: string;
}

/** Tells of exits: conmon writes the exit code to a file, and the kernel tells of the file (inotify). */
export class ExitFiles {
  readonly #paths: ContainerPaths;
  readonly #waiting = new Map<string, (exit: ExitInfo) => void>();
  #watcher: FSWatcher | undefined;

  constructor(paths: ContainerPaths) {
    this.#paths = paths;
  }

  open(): void {
    this.#watcher = watch(this.#paths.exitDir, (_, file) => {
      if (file) this.#look(file);
      else for (const id of readdirSync(this.#paths.exitDir)) this.#look(id);
    });
  }

  close(): void {
    this.#watcher?.close();
  }

  /** Told once, also of an exit that was before. */
  onExit(id: string, tell: (exit: ExitInfo) => void): void {
    this.#waiting.set(id, tell);
    this.#look(id);
  }

  /** The containers whose exit was not told yet. */
  expected(): string[] {
    return [...this.#waiting.keys()];
  }

  /** Tells an exit that nobody will write any more. */
  tellLost(id: string): void {
    this.#look(id, { exitCode: 137, oomKilled: false, finishedAt: new Date().toISOString() });
  }

  #look(id: string, otherwise?: ExitInfo): void {
    const tell = this.#waiting.get(id);
    const exit = tell && (this.exitOf(id) ?? otherwise);
    if (!exit) return;
    this.#waiting.delete(id);
    tell(exit);
  }

  /** The exit that conmon wrote, if it did. */
  exitOf(id: string): ExitInfo | undefined {
    const file = join(this.#paths.exitDir, id);
    try {
      const text = readFileSync(file, "utf8").trim();
      if (text === "") return undefined;
      const bundle = this.#paths.bundle(id);
      return {
        exitCode: Number(text),
        oomKilled: ["oom", "persist/oom"].some((name) => existsSync(join(bundle, name))),
        finishedAt: statSync(file).mtime.toISOString(),
      };
    } catch {
      return undefined; // it has not ended
    }
  }
}
