import { isWithin, type WatchedRule } from "./watched-rule.ts";

/**
 * The path relative to the rule's ("" for the path itself) when a change of it concerns the rule; undefined otherwise. Ignored are, as with Docker Compose,
 * .git, what editors leave beside a file for a moment, what `ignore` and the build's .dockerignore match, and with `include` all that it does not match.
 */
export function relevantPath(rule: WatchedRule, path: string): string | undefined {
  if (!isWithin(path, rule.path)) return undefined;
  if (rule.isFile) return path === rule.path ? "" : undefined;
  const relative = relativeTo(rule.path, path);
  if (relative === "") return relative;
  if (isEphemeral(relative) || rule.ignore.matches(relative)) return undefined;
  if (rule.include && !rule.include.matches(relative)) return undefined;
  if (rule.contextIgnore && isWithin(path, rule.contextIgnore.context)) {
    const inContext = relativeTo(rule.contextIgnore.context, path);
    if (inContext !== "" && rule.contextIgnore.patterns.matches(inContext)) return undefined;
  }
  return relative;
}

/** Whether nothing in this directory can concern the rule, so that it is neither listed nor watched. */
export function isPruned(rule: WatchedRule, directory: string): boolean {
  if (!isWithin(directory, rule.path)) return !isWithin(rule.path, directory);
  if (rule.isFile) return directory !== rule.path;
  const relative = relativeTo(rule.path, directory);
  if (relative === "") return false;
  if (/(^|\/)(\.git|\.idea)(\/|$)/.test(relative) || rule.ignore.matchesAllBelow(relative)) return true;
  if (!rule.contextIgnore || !isWithin(directory, rule.contextIgnore.context)) return false;
  const inContext = relativeTo(rule.contextIgnore.context, directory);
  return inContext !== "" && rule.contextIgnore.patterns.matchesAllBelow(inContext);
}

function relativeTo(directory: string, path: string): string {
  return directory === "/" ? path.slice(1) : path.slice(directory.length + 1);
}

/** Files that vim, emacs, kate, JetBrains and go make for a moment beside the one that is saved, and what git and the IDE keep for themselves. */
const ephemeral = /^(4913|.*~|\..*\.sw[pxon]|\.#.*|#.*#|\..*\.kate-swp|.*___jb_(old|tmp)___|.*-go-tmp-umask)$/;

function isEphemeral(relative: string): boolean {
  const name = relative.slice(relative.lastIndexOf("/") + 1);
  return ephemeral.test(name) || /(^|\/)(\.git|\.idea)(\/|$)/.test(relative);
}
