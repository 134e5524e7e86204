import { goJson } from "./go-json.ts";
import { type Variable, variablesOf } from "./interpolation/template.ts";
import { byBytes } from "./model/codec.ts";
import { yamlText } from "./print.ts";
import { contentKey } from "./resolve-environment.ts";
import { List, Mapping, Scalar, type Tree } from "./yaml/tree.ts";

/** The files as one model whose variables stand as they are written (`berth config --no-interpolate`). */
export function treeText(root: Mapping, format: "yaml" | "json"): string {
  const model = plain(root);
  return format === "json" ? `${goJson(model, 2)}\n` : yamlText(model);
}

/** The variables that a model refers to, by name. */
export function variablesIn(root: Mapping): Variable[] {
  const found = new Map<string, Variable>();
  const walk = (tree: Tree): void => {
    if (tree instanceof Mapping) for (const value of tree.entries.values()) walk(value);
    else if (tree instanceof List) for (const item of tree.items) walk(item);
    else if (typeof tree.value === "string") for (const variable of variablesOf(tree.value)) found.set(variable.name, variable);
  };
  walk(root);
  return [...found.values()].sort((one, other) => byBytes(one.name, other.name));
}

function plain(tree: Tree): unknown {
  if (tree instanceof Scalar) return tree.kind === "timestamp" ? tree.text : tree.value;
  if (tree instanceof List) return tree.items.map(plain);
  const sorted: Record<string, unknown> = {};
  for (const key of [...tree.entries.keys()].sort(byBytes)) if (key !== contentKey) sorted[key] = plain(tree.get(key) ?? new Scalar(null));
  return sorted;
}
