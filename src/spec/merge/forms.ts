import { List, Mapping, printed, Scalar, type Tree } from "../yaml/tree.ts";

/** The list form of a mapping (`KEY=value`, `KEY`), sorted; a list is itself, a text a list of one. */
export function toSequence(tree: Tree): Tree[] {
  if (tree instanceof List) return tree.items;
  if (tree instanceof Scalar) return typeof tree.value === "string" ? [tree] : [];
  const items: Scalar[] = [];
  for (const [key, value] of tree.entries) {
    const origin = tree.keys.get(key) ?? value.origin;
    const values = value instanceof List ? value.items : [value];
    for (const one of values) {
      const text = one instanceof Scalar ? (one.value === null ? undefined : printed(one)) : "";
      items.push(new Scalar(text === undefined ? key : `${key}=${text}`, origin));
    }
  }
  return items.sort((one, other) => (String(one.value) < String(other.value) ? -1 : 1));
}

/** The mapping form of a list of names. */
export function toMapping(tree: Tree, itemValue: (item: Tree) => Tree = (item) => new Scalar(null, item.origin)): Mapping {
  if (tree instanceof Mapping) return tree;
  const mapping = new Mapping(new Map(), tree.origin);
  if (tree instanceof Scalar) return mapping;
  for (const item of tree.items) {
    if (item instanceof Scalar && typeof item.value === "string") mapping.set(item.value, itemValue(item), item.origin);
  }
  return mapping;
}
