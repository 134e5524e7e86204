import { decidingRule, matchingRules, mayReinclude, parseIgnoreFile } from "./ignore-rules.ts";

/** Compiled .dockerignore patterns, asked about one path at a time. Paths are relative to the patterns' root, with "/" and without "./". */
export interface IgnoreMatcher {
  /** Whether the patterns match the path (or a directory above it) and nothing takes it back in. */
  matches(path: string): boolean;
  /** Whether nothing below this directory can be outside the patterns: it need not be looked into. */
  matchesAllBelow(directory: string): boolean;
}

/** A matcher of the lines of a .dockerignore. Answers for directories are kept, so that many files of one directory cost one look at it. */
export function ignoreMatcher(lines: string): IgnoreMatcher {
  const rules = parseIgnoreFile(lines, ".dockerignore");
  const known = new Map<string, readonly boolean[]>([["", []]]);
  const verdicts = (path: string): readonly boolean[] => {
    const there = known.get(path);
    if (there) return there;
    const at = path.lastIndexOf("/");
    const directory = at < 0 ? "" : path.slice(0, at);
    let ofParent = known.get(directory);
    if (!ofParent) {
      ofParent = verdicts(directory);
      known.set(directory, ofParent);
    }
    return matchingRules(rules, path, ofParent);
  };
  const matches = (path: string): boolean => {
    if (rules.rules.length === 0 || path === "") return false;
    const rule = decidingRule(rules, verdicts(path));
    return rule !== undefined && !rule.negated;
  };
  return { matches, matchesAllBelow: (directory) => matches(directory) && !mayReinclude(rules, directory) };
}
