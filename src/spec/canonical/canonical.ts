import type { Problems } from "../problems.ts";
import type { Patterns } from "../yaml/patterns.ts";
import { List, Mapping, type Path, type Tree } from "../yaml/tree.ts";
import { type LongForm, longForms } from "./long-forms.ts";

/**
 * Makes every short form the long one that it stands for (compose-go, package transform). With `lenient`, what cannot be read stays: the file may
 * have variables in it that were not interpolated.
 */
export function canonical(root: Mapping, problems: Problems, lenient = false): Mapping {
  return walk(root, [], longForms, { problems, lenient }) as Mapping; // the root has no rule of its own
}

interface Context {
  readonly problems: Problems;
  readonly lenient: boolean;
}

function walk(tree: Tree, path: Path, rules: Patterns<LongForm>, context: Context): Tree {
  const long = rules.rule ? rules.rule(tree, path, context) : tree;
  if (long instanceof Mapping) {
    for (const [key, value] of long.entries) {
      const next = rules.at(key);
      if (next) long.entries.set(key, walk(value, [...path, key], next, context));
    }
  } else if (long instanceof List) {
    const next = rules.at(0);
    if (next)
      return new List(
        long.items.map((item, index) => walk(item, [...path, index], next, context)),
        long.origin,
      );
  }
  return long;
}
