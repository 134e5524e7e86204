import { type BigIntStats, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { joinPath, type SourceEntry, type SourceTree } from "../filesystem/source-tree.ts";
import { decidingRule, type IgnoreRules, matchingRules, mayReinclude } from "./ignore-rules.ts";

interface Directory {
  readonly entries: Map<string, SourceEntry>;
  readonly matches: Map<string, readonly boolean[]>;
}

/** A directory on this machine as the .dockerignore leaves it. Each directory is read once, and only when something asks for it. */
export class ContextTree implements SourceTree {
  readonly keepsOwner = false;
  readonly identity = undefined;
  readonly root: string;
  private readonly ignore: IgnoreRules;
  private readonly directories = new Map<string, Directory>();

  private readonly sentAs: string | undefined;

  /** `sentAs` names a directory that a client sent without what the rules exclude. */
  constructor(root: string, ignore: IgnoreRules, sentAs?: string) {
    this.root = root;
    this.ignore = ignore;
    this.sentAs = sentAs;
  }

  list(path: string): SourceEntry[] {
    return [...this.read(path).entries.values()];
  }

  entry(path: string): SourceEntry | undefined {
    if (path === "") return { path: "", name: "", hostPath: this.root, stat: lstatSync(this.root, { bigint: true }) };
    const at = path.lastIndexOf("/");
    const parent = path.slice(0, Math.max(at, 0));
    if (parent !== "" && !this.entry(parent)?.stat.isDirectory()) return undefined;
    return this.read(parent).entries.get(path.slice(at + 1));
  }

  describeMissing(path: string): string {
    const where = `not in ${this.sentAs ?? `the build context ${this.root}`}`;
    const exists = this.sentAs !== undefined || lstatOrUndefined(join(this.root, path)) !== undefined;
    if (!exists) return where;
    let matches: readonly boolean[] = [];
    const parts = path.split("/");
    for (let length = 1; length <= parts.length; length++) {
      matches = matchingRules(this.ignore, parts.slice(0, length).join("/"), matches);
    }
    const rule = decidingRule(this.ignore, matches);
    return rule ? `${where}: line ${rule.line} of ${this.ignore.file} excludes it ("${rule.text}")` : where;
  }

  private read(path: string): Directory {
    const known = this.directories.get(path);
    if (known) return known;
    const entries = new Map<string, SourceEntry>();
    const matches = new Map<string, readonly boolean[]>();
    const hostDirectory = path === "" ? this.root : join(this.root, path);
    const ofParent = path === "" ? [] : (this.read(parentOf(path)).matches.get(nameOf(path)) ?? []);
    for (const name of readdirSync(hostDirectory).sort()) {
      const entryPath = joinPath(path, name);
      const own = this.ignore.rules.length === 0 ? [] : matchingRules(this.ignore, entryPath, ofParent);
      const rule = decidingRule(this.ignore, own);
      const excluded = rule !== undefined && !rule.negated;
      if (excluded && !mayReinclude(this.ignore, entryPath)) continue;
      const hostPath = `${hostDirectory}/${name}`;
      const stat = lstatOrUndefined(hostPath);
      if (!stat || stat.isSocket() || (excluded && !stat.isDirectory())) continue;
      matches.set(name, own);
      const directory: Directory = { entries, matches };
      this.directories.set(path, directory);
      if (excluded && !this.holdsAnything(entryPath)) continue;
      entries.set(name, { path: entryPath, name, hostPath, stat });
    }
    const directory = { entries, matches };
    this.directories.set(path, directory);
    return directory;
  }

  /** An excluded directory exists only for what a `!` rule takes in below it. */
  private holdsAnything(path: string): boolean {
    return this.read(path).entries.size > 0;
  }
}

const parentOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf("/"), 0));
const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

function lstatOrUndefined(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}
