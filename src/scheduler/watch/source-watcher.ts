import { lstatSync } from "node:fs";
import { posix } from "node:path";
import { type FSWatcher, watch } from "chokidar";
import { errnoOf, messageOf } from "../../system/index.ts";
import { isPruned } from "./rule-match.ts";
import type { WatchedRule } from "./watched-rule.ts";

export interface SourceWatcherOptions {
  readonly rules: readonly WatchedRule[];
  /** A path below a rule's, absolute: it was made or changed ("there"), or removed ("gone"). */
  readonly changed: (path: string, state: "there" | "gone") => void;
  /** One sentence: from now on something is not seen. */
  readonly failed: (message: string) => void;
}

/** Tells what changes below the paths of these rules. Links are told, not followed; directories that every rule ignores are not looked into. */
export class SourceWatcher {
  readonly #watcher: FSWatcher;
  /** Settles when every change from then on is seen. */
  readonly ready: Promise<void>;
  #saidFull = false;

  constructor({ rules, changed, failed }: SourceWatcherOptions) {
    const roots = watchRoots(rules);
    // Times of chokidar's own would only be added to ours: saving by rename shows as gone and there again, which the batch joins.
    this.#watcher = watch(roots, {
      ignoreInitial: true,
      atomic: false,
      followSymlinks: false,
      ignorePermissionErrors: true,
      ignored: (path) => !roots.includes(path) && rules.every((rule) => isPruned(rule, path)),
    });
    this.#watcher.on("all", (event, path) => changed(path, event.startsWith("unlink") ? "gone" : "there"));
    // chokidar drops a second change of a file within 50 ms; the kernel's own word for it is not dropped. What is told twice is one change to the batch's reader.
    this.#watcher.on("raw", (event, name: string | null, details) => {
      if (event !== "change") return;
      const { watchedPath } = details as { watchedPath: string }; // chokidar's nodefs-handler
      // Of a file its own watch tells its own name; a directory tells what is in it.
      changed(name === null || name === posix.basename(watchedPath) ? watchedPath : posix.join(watchedPath, name), "there");
    });
    this.#watcher.on("error", (error) => {
      if (["ENOSPC", "EMFILE"].includes(errnoOf(error) ?? "")) {
        if (!this.#saidFull) failed(tooFewWatches(errnoOf(error) ?? ""));
        this.#saidFull = true;
      } else failed(`watching ${roots.join(", ")}: ${messageOf(error)}`);
    });
    this.ready = new Promise((resolve) => this.#watcher.on("ready", () => resolve()));
  }

  async close(): Promise<void> {
    await this.#watcher.close();
  }
}

/** A file is watched by way of its directory, so that it is seen again after it was replaced or removed. Roots in other roots are left out. */
export function watchRoots(rules: readonly WatchedRule[]): string[] {
  const all = [...new Set(rules.map((rule) => (rule.isFile ? posix.dirname(rule.path) : rule.path)))];
  return all.filter((path) => !all.some((other) => other !== path && path.startsWith(other === "/" ? "/" : `${other}/`)));
}

function tooFewWatches(code: string): string {
  return code === "ENOSPC"
    ? "there are not enough inotify watches for all watched directories, so some changes are not seen: raise them with `sysctl fs.inotify.max_user_watches=524288`, or ignore directories (develop.watch.ignore)"
    : "there are not enough inotify instances, so some changes are not seen: raise them with `sysctl fs.inotify.max_user_instances=512`";
}

/** What is at a path: its real path and whether it is a file. */
export function findPath(path: string, realpath: (path: string) => string): { path: string; isFile: boolean } | undefined {
  try {
    const real = realpath(path);
    return { path: real, isFile: !lstatSync(real).isDirectory() };
  } catch {
    return undefined;
  }
}
