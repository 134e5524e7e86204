import { decidingRule, type IgnoreRules, matchingRules, parseIgnoreFile } from "../context/ignore-rules.ts";
import { joinPath, type SourceEntry, type SourceTree } from "./source-tree.ts";

export interface Walked {
  readonly entry: SourceEntry;
  /** Below the entry that was walked; "" for that entry itself. */
  readonly relative: string;
}

/**
 * An entry and everything below it, parents first, names sorted, without what `exclude` (patterns of .dockerignore) leaves out. Patterns are of paths
 * below the entry: a file that was named itself has none and stays (copy/copy.go of fsutil), unless its `path` below what `--parents` keeps is told.
 */
export function* walkTree(tree: SourceTree, top: SourceEntry, exclude: readonly string[] = [], path = ""): Generator<Walked> {
  const rules = parseIgnoreFile(exclude.join("\n"), "--exclude");
  if (!top.stat.isDirectory()) {
    if (path === "" || !excluded(rules, matchingRules(rules, path, []))) yield { entry: top, relative: "" };
    return;
  }
  yield { entry: top, relative: "" };
  yield* below(tree, top, "", rules, []);
}

function* below(
  tree: SourceTree,
  directory: SourceEntry,
  relative: string,
  rules: IgnoreRules,
  ofParent: readonly boolean[],
): Generator<Walked> {
  for (const entry of tree.list(directory.path)) {
    const path = joinPath(relative, entry.name);
    const own = rules.rules.length === 0 ? [] : matchingRules(rules, path, ofParent);
    const skipped = excluded(rules, own);
    if (!skipped) yield { entry, relative: path };
    if (entry.stat.isDirectory()) {
      const inner = below(tree, entry, path, rules, own);
      if (!skipped) yield* inner;
      else {
        const kept = [...inner];
        if (kept.length > 0) {
          yield { entry, relative: path };
          yield* kept;
        }
      }
    }
  }
}

function excluded(rules: IgnoreRules, matches: readonly boolean[]): boolean {
  const rule = decidingRule(rules, matches);
  return rule !== undefined && !rule.negated;
}
