import { posix } from "node:path";
import type { ServiceHook, WatchRule } from "../../api/index.ts";

export type WatchAction = WatchRule["action"];

/** Patterns of .dockerignore's language, compiled by whoever owns that language. */
export interface PathPatterns {
  matches(path: string): boolean;
  matchesAllBelow(directory: string): boolean;
}

/** One rule of `develop.watch` that is watched. Paths are absolute and real: links on the way to them are resolved. */
export interface WatchedRule {
  readonly service: string;
  /** Its place in the service's list, for messages. */
  readonly index: number;
  readonly action: WatchAction;
  readonly path: string;
  readonly isFile: boolean;
  /** Absolute in the container; of the actions that copy. */
  readonly target?: string;
  readonly initialSync: boolean;
  readonly exec?: ServiceHook;
  /** Relative to `path`. */
  readonly ignore: PathPatterns;
  /** Relative to `path`; absent: everything. */
  readonly include?: PathPatterns;
  /** The build's .dockerignore, relative to the build's context. */
  readonly contextIgnore?: { readonly context: string; readonly patterns: PathPatterns };
}

export const copies = (action: WatchAction): boolean => action.startsWith("sync");

/** `develop.watch` of one service, made ready: what can be watched, and one sentence for each rule that cannot (compose-spec, develop.md). */
export interface ServiceRules {
  readonly rules: readonly WatchedRule[];
  readonly problems: readonly string[];
}

/** What the rules need to know of a service and of the files they name. */
export interface RuleFacts {
  readonly service: string;
  readonly watch: readonly WatchRule[];
  /** Absolute; undefined where the service is not built from a directory. */
  readonly buildContext: string | undefined;
  readonly hasBuild: boolean;
  readonly readOnly: boolean;
  /** Targets of its volumes, binds and tmpfs that can be written, and the sources of its binds. */
  readonly writableTargets: readonly string[];
  readonly binds: readonly { readonly source: string; readonly target: string }[];
  /** The real path and whether it is a file; undefined where there is none. */
  readonly find: (path: string) => { readonly path: string; readonly isFile: boolean } | undefined;
  readonly patterns: (lines: readonly string[]) => PathPatterns;
  /** Lines of the .dockerignore of the build's context. */
  readonly dockerIgnore: readonly string[];
}

/** Checks every rule for itself: a bad one is left out with a message, the others are watched. */
export function watchedRules(facts: RuleFacts): ServiceRules {
  const rules: WatchedRule[] = [];
  const problems: string[] = [];
  const context = facts.buildContext === undefined ? undefined : (facts.find(facts.buildContext)?.path ?? facts.buildContext);
  facts.watch.forEach((rule, index) => {
    const where = `services.${facts.service}.develop.watch[${index}]`;
    const problem = ruleProblem(rule, facts);
    if (problem !== undefined) {
      problems.push(`${where}: ${problem}`);
      return;
    }
    const found = facts.find(rule.path);
    if (!found) {
      problems.push(`${where}: ${rule.path} does not exist, so nothing there is watched`);
      return;
    }
    rules.push({
      service: facts.service,
      index,
      action: rule.action,
      path: found.path,
      isFile: found.isFile,
      ...(copies(rule.action) ? { target: fileTarget(rule.target ?? "", found) } : {}),
      initialSync: rule.initial_sync === true,
      ...(rule.exec ? { exec: rule.exec } : {}),
      ignore: facts.patterns(rule.ignore ?? []),
      ...(rule.include?.length ? { include: facts.patterns(rule.include) } : {}),
      ...(context !== undefined && facts.dockerIgnore.length > 0
        ? { contextIgnore: { context, patterns: facts.patterns(facts.dockerIgnore) } }
        : {}),
    });
  });
  return { rules, problems };
}

function ruleProblem(rule: WatchRule, facts: RuleFacts): string | undefined {
  if (rule.action === "rebuild" && !facts.hasBuild) return `the action is rebuild, but ${facts.service} has no build`;
  if (rule.action === "sync+exec" && !rule.exec?.command?.length) return "the action is sync+exec, but exec.command is missing";
  if (!copies(rule.action)) return undefined;
  if (!rule.target) return `the action is ${rule.action}, but target is missing`;
  if (!rule.target.startsWith("/")) return `target ${rule.target} is not an absolute path in the container`;
  if (rule.target.split("/").includes("..")) return `target ${rule.target} leads outside: it has ".." in it`;
  const target = posix.normalize(rule.target);
  if (/^\/(proc|sys|dev)(\/|$)/.test(target)) return `target ${target} belongs to the kernel; files cannot be kept there`;
  const bind = facts.binds.find(({ source, target: mounted }) => isWithin(rule.path, source) && isWithin(target, mounted));
  if (bind) return `${rule.path} is already in the container by the bind mount on ${bind.target}, so it is not copied`;
  if (facts.readOnly && !facts.writableTargets.some((writable) => isWithin(target, writable)))
    return `${facts.service} is read_only, and target ${target} is on no writable volume`;
  return undefined;
}

/** A file rule with a target that ends in "/" means that directory. */
function fileTarget(target: string, found: { path: string; isFile: boolean }): string {
  const path = found.isFile && target.endsWith("/") ? posix.join(target, posix.basename(found.path)) : target;
  return posix.normalize(path).replace(/(.)\/$/, "$1");
}

export function isWithin(path: string, directory: string): boolean {
  return path === directory || directory === "/" || path.startsWith(`${directory}/`);
}
