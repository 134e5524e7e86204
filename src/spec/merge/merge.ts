import type { Problems } from "../problems.ts";
import type { Patterns } from "../yaml/patterns.ts";
import { isNull, List, Mapping, type Path, Scalar, type Tree } from "../yaml/tree.ts";
import { toMapping, toSequence } from "./forms.ts";
import { type MergeRule, mergeRules } from "./rules.ts";

/**
 * Lays `over` on `base`: mappings key by key, lists one after the other, anything else replaced; some attributes have rules of their own
 * (compose-spec 13-merge.md). What is null in `over` leaves `base` as it is. Both are used up.
 */
export function merge(base: Tree, over: Tree, problems: Problems, path: Path = []): Tree {
  return new Merger(problems).merge(base, over, path, mergeRules.along(path));
}

class Merger {
  readonly #problems: Problems;

  constructor(problems: Problems) {
    this.#problems = problems;
  }

  merge(base: Tree, over: Tree, path: Path, rules: Patterns<MergeRule> | undefined): Tree {
    if (rules?.rule) return this.#byRule(rules.rule, base, over, path, rules);
    if (isNull(over)) return base;
    if (base instanceof Mapping) {
      if (over instanceof Mapping) return this.#mappings(base, over, path, rules);
      return this.#cannot(base, over, path, "a mapping");
    }
    if (base instanceof List) {
      if (over instanceof List) return new List([...base.items, ...over.items], over.origin ?? base.origin);
      return this.#cannot(base, over, path, "a list");
    }
    return over;
  }

  #mappings(base: Mapping, over: Mapping, path: Path, rules: Patterns<MergeRule> | undefined): Mapping {
    for (const [key, value] of over.entries) {
      const earlier = base.get(key);
      const origin = over.keys.get(key);
      base.set(key, earlier === undefined ? value : this.merge(earlier, value, [...path, key], rules?.at(key)), origin);
    }
    return base;
  }

  #byRule(rule: MergeRule, base: Tree, over: Tree, path: Path, rules: Patterns<MergeRule>): Tree {
    switch (rule) {
      case "replace":
        return over;
      case "append":
        return new List([...toSequence(base), ...toSequence(over)], over.origin ?? base.origin);
      case "append-new": {
        const first = toSequence(base);
        const known = new Set(first.map((item) => (item instanceof Scalar ? item.value : item)));
        return new List(
          [...first, ...toSequence(over).filter((item) => !known.has(item instanceof Scalar ? item.value : item))],
          over.origin,
        );
      }
      case "by-name":
        return this.#mappings(toMapping(base), toMapping(over), path, rules);
      case "by-dependency":
        return this.#mappings(toMapping(base, dependency), toMapping(over, dependency), path, rules);
      case "build":
        return this.#mappings(buildMapping(base), buildMapping(over), path, rules);
      case "logging":
        return this.#logging(base, over, path, rules);
      case "ipam":
        return this.#ipam(base, over, path);
      default:
        return rule satisfies never;
    }
  }

  /** Options stay only where both name the same driver, or one of them names none. */
  #logging(base: Tree, over: Tree, path: Path, rules: Patterns<MergeRule>): Tree {
    if (!(base instanceof Mapping)) return isNull(over) ? base : over;
    if (!(over instanceof Mapping)) return isNull(over) ? base : this.#cannot(base, over, path, "a mapping");
    const [driver, earlier] = [over.get("driver"), base.get("driver")];
    const same = driver instanceof Scalar && earlier instanceof Scalar && driver.value === earlier.value;
    return same || !driver || !earlier ? this.#mappings(base, over, path, rules) : over;
  }

  /** Pools of the same subnet are merged; those of `base` that `over` does not name are dropped, as Compose does. */
  #ipam(base: Tree, over: Tree, path: Path): Tree {
    if (!(base instanceof List) || !(over instanceof List)) return isNull(over) ? base : over;
    const subnet = (pool: Tree) => (pool instanceof Mapping ? (pool.get("subnet") as Scalar | undefined)?.value : undefined);
    const pools = over.items.map((pool) => {
      const earlier = base.items.find((one) => subnet(one) === subnet(pool));
      return earlier instanceof Mapping && pool instanceof Mapping ? this.#mappings(earlier, pool, path, undefined) : pool;
    });
    return new List(pools, over.origin);
  }

  #cannot(base: Tree, over: Tree, path: Path, what: string): Tree {
    this.#problems.error("spec/merge", `this cannot be laid on what an earlier file has there: it takes ${what}`, {
      origin: over.origin,
      path,
    });
    return base;
  }
}

function dependency(origin: Tree): Mapping {
  return new Mapping(
    new Map<string, Tree>([
      ["condition", new Scalar("service_started", origin.origin)],
      ["required", new Scalar(true, origin.origin)],
    ]),
    origin.origin,
  );
}

function buildMapping(tree: Tree): Mapping {
  if (tree instanceof Mapping) return tree;
  if (isNull(tree)) return new Mapping(new Map(), tree.origin);
  return new Mapping(new Map([["context", tree]]), tree.origin, tree.origin ? new Map([["context", tree.origin]]) : undefined);
}
