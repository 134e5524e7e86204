import { canonical } from "./canonical/canonical.ts";
import { dropEmpty } from "./canonical/long-forms.ts";
import { interpolate } from "./interpolation/interpolate.ts";
import type { Lookup } from "./interpolation/template.ts";
import { merge } from "./merge/merge.ts";
import { dropDuplicates } from "./merge/unicity.ts";
import type { Problems } from "./problems.ts";
import type { ParsedDocument } from "./yaml/parse.ts";
import { clone, Mapping, type Path, type Tree } from "./yaml/tree.ts";

/** Steps of the loader that are left out. */
export interface Skips {
  readonly interpolation?: boolean;
  readonly normalization?: boolean;
  readonly paths?: boolean;
  readonly consistency?: boolean;
  /** The services' env_files are not read. */
  readonly envFiles?: boolean;
}

/** The values of one document, its variables replaced; undefined where it has none. */
export function readDocument(document: ParsedDocument, lookup: Lookup, skip: Skips, problems: Problems): Mapping | undefined {
  const { root } = document;
  if (!(root instanceof Mapping)) {
    problems.error("spec/schema", "a project file is a mapping", { origin: root?.origin });
    return undefined;
  }
  return (skip.interpolation ? clone(root) : interpolate(root, lookup, problems)) as Mapping; // both keep the kind
}

/** Lays a document on what came before it, in canonical form. Uses up both. */
export function layOn(base: Mapping, over: Mapping, skip: Skips, problems: Problems, check?: (root: Mapping) => void): Mapping {
  const merged = merge(base, over, problems) as Mapping; // two mappings make one
  dropDuplicates(merged);
  check?.(merged);
  const long = canonical(merged, problems, skip.interpolation);
  dropEmpty(long);
  // Ranges of ports, written out, may repeat what an earlier file publishes.
  dropDuplicates(long);
  return long;
}

/** Removes what `!reset` and `!override` of a later file clear. Changes the tree. */
export function clear(tree: Tree, paths: readonly Path[]): void {
  for (const path of paths) {
    let parent: Tree | undefined = tree;
    for (const part of path.slice(0, -1)) parent = parent instanceof Mapping ? parent.get(String(part)) : undefined;
    if (parent instanceof Mapping) parent.delete(String(path.at(-1)));
  }
}
