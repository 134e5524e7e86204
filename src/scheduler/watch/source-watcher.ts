import { lstatSync } from "node:fs";
import { posix } from "node:path";
import { errnoOf, messageOf } from "../../system/index.ts";
import { DirectoryWatches } from "./directory-watches.ts";
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
  readonly #watches: DirectoryWatches;
  /** Settles when every change from then on is seen. */
  readonly ready: Promise<void>;
  #saidFull = false;

  constructor({ rules, changed, failed }: SourceWatcherOptions) {
    this.#watches = new DirectoryWatches({
      roots: watchRoots(rules),
      pruned: (directory) => rules.every((rule) => isPruned(rule, directory)),
      // Saving by rename shows as gone and there again, which the batch joins.
      changed,
      failed: (directory, error) => {
        const code = errnoOf(error) ?? "";
        if (code !== "ENOSPC" && code !== "EMFILE") failed(`watching ${directory}: ${messageOf(error)}`);
        else if (!this.#saidFull) {
          this.#saidFull = true;
          failed(tooFewWatches(code));
        }
      },
    });
    this.ready = this.#watches.ready;
  }

  /** Every path that is below its directories. */
  paths(): string[] {
    return this.#watches.paths();
  }

  close(): void {
    this.#watches.close();
  }
}

/** A file is watched by way of its directory, so that it is seen again after it was replaced or removed. Roots in other roots are left out. */
function watchRoots(rules: readonly WatchedRule[]): string[] {
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
