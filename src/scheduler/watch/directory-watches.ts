import { type FSWatcher, lstatSync, readdirSync, type Stats, watch } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errnoOf } from "../../system/index.ts";

export interface DirectoryWatchesOptions {
  /** Directories, absolute. They may be removed and made again. */
  readonly roots: readonly string[];
  /** Nothing in this directory is of interest: it is neither listed nor watched. */
  readonly pruned: (directory: string) => boolean;
  /** A path below a root, or a root: it was made or changed ("there"), or removed ("gone"). */
  readonly changed: (path: string, state: "there" | "gone") => void;
  /** This directory is not watched. */
  readonly failed: (directory: string, error: unknown) => void;
}

interface Watched {
  readonly watcher: FSWatcher;
  /** What was in it when it was last looked at: of a directory that went away nobody tells that any more. */
  readonly names: Set<string>;
}

/**
 * Tells what changes in directory trees, by one inotify watch for each directory and none for a file: thousands of files that change at once are as many
 * events, and none of them makes a directory be read again. Links are told, not followed.
 * Invariants: a directory is listed after it is watched, so that nothing falls between; what a removed directory had in it is told as gone before itself.
 */
export class DirectoryWatches {
  readonly #o: DirectoryWatchesOptions;
  readonly #watched = new Map<string, Watched>();
  /** Of the directories around the roots, so that a root that is made again is seen. */
  readonly #around: FSWatcher[] = [];
  #closed = false;
  /** Settles when every change from then on is seen. */
  readonly ready: Promise<void>;

  constructor(o: DirectoryWatchesOptions) {
    this.#o = o;
    this.ready = this.#begin();
  }

  async #begin(): Promise<void> {
    for (const root of this.#o.roots) {
      const [around, name] = [dirname(root), basename(root)];
      const watcher = this.#open(around, (event, changed) => {
        if (event === "rename" && changed === name) this.#look(root);
      });
      if (watcher && around !== root) this.#around.push(watcher);
      else watcher?.close();
    }
    const found = [...this.#o.roots];
    for (let directory = found.pop(); directory !== undefined && !this.#closed; directory = found.pop()) {
      found.push(...this.#enter(directory));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Watches a directory and notes what is in it. Answers the directories in it. */
  #enter(directory: string): string[] {
    // The new one first: the kernel has one watch for both where it is still the same directory.
    const names = new Set<string>();
    const watcher = this.#open(directory, (event, name) => this.#event(directory, names, event, name));
    this.#watched.get(directory)?.watcher.close();
    this.#watched.delete(directory);
    if (!watcher) return [];
    this.#watched.set(directory, { watcher, names });
    const inside: string[] = [];
    try {
      for (const entry of readdirSync(directory, { withFileTypes: true })) {
        names.add(entry.name);
        const path = join(directory, entry.name);
        if (entry.isDirectory() && !this.#o.pruned(path)) inside.push(path);
      }
    } catch (error) {
      this.#unlessGone(directory, error);
    }
    return inside;
  }

  #open(directory: string, heard: (event: string, name: string) => void): FSWatcher | undefined {
    try {
      const watcher = watch(directory, (event, name) => {
        if (!this.#closed && name !== null) heard(event, name);
      });
      watcher.on("error", (error) => this.#unlessGone(directory, error));
      return watcher;
    } catch (error) {
      this.#unlessGone(directory, error);
      return undefined;
    }
  }

  #event(directory: string, names: Set<string>, event: string, name: string): void {
    if (this.#watched.get(directory)?.names !== names) return; // said by a watch that was replaced
    const path = join(directory, name);
    // What a directory hears of itself has its own name; that is not the name of something in it, unless it is.
    if (event === "change" && names.has(name)) this.#o.changed(path, "there");
    else this.#look(path);
  }

  /** Something was put at this path or taken away from it. */
  #look(path: string): void {
    const names = this.#watched.get(dirname(path))?.names;
    const stat = statOf(path);
    if (!stat) {
      const was = names?.delete(basename(path)) || this.#watched.has(path);
      this.#leave(path);
      if (was) this.#o.changed(path, "gone");
      return;
    }
    names?.add(basename(path));
    if (!stat.isDirectory() || this.#o.pruned(path)) {
      this.#leave(path); // it was a directory before
      this.#o.changed(path, "there");
      return;
    }
    this.#arrived(path);
  }

  /** A directory is there, perhaps in the place of another: all that is in it is new, and what only the other had is gone. */
  #arrived(directory: string): void {
    const before = this.#watched.get(directory)?.names ?? new Set();
    this.#o.changed(directory, "there");
    const inside = new Set(this.#enter(directory));
    const names = this.#watched.get(directory)?.names ?? new Set();
    for (const name of before) if (!names.has(name)) this.#lost(join(directory, name));
    for (const name of names) {
      const path = join(directory, name);
      if (inside.has(path)) this.#arrived(path);
      else {
        this.#leave(path);
        this.#o.changed(path, "there");
      }
    }
  }

  #lost(path: string): void {
    this.#leave(path);
    this.#o.changed(path, "gone");
  }

  /** Where a directory was watched: no more, and what was in it is gone. */
  #leave(directory: string): void {
    const watched = this.#watched.get(directory);
    if (!watched) return;
    this.#watched.delete(directory);
    watched.watcher.close();
    for (const name of watched.names) this.#lost(join(directory, name));
  }

  /** Everything that is known to be below the roots. */
  paths(): string[] {
    return [...this.#watched].flatMap(([directory, { names }]) => [...names].map((name) => join(directory, name)));
  }

  /** A directory that went away meanwhile is told by the one around it; one that may not be read is not looked into. */
  #unlessGone(directory: string, error: unknown): void {
    if (!["ENOENT", "ENOTDIR", "EACCES", "EPERM"].includes(errnoOf(error) ?? "")) this.#o.failed(directory, error);
  }

  close(): void {
    this.#closed = true;
    for (const { watcher } of this.#watched.values()) watcher.close();
    for (const watcher of this.#around) watcher.close();
    this.#watched.clear();
  }
}

/** Undefined also where a directory on the way became a file, or may not be looked into any more. */
function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}
