import type { Problems } from "../problems.ts";
import type { Patterns } from "../yaml/patterns.ts";
import type { Origin } from "../yaml/source.ts";
import { List, Mapping, type Path, Scalar, type Tree } from "../yaml/tree.ts";
import { type Cast, casts } from "./casts.ts";
import { type Lookup, substitute, TemplateError } from "./template.ts";

/** Interpolates every text of a file (its keys are left alone) and makes numbers and booleans of the texts that must be such. */
export function interpolate(root: Tree, lookup: Lookup, problems: Problems): Tree {
  return walk(root, [], casts, { lookup, problems });
}

interface Context {
  readonly lookup: Lookup;
  readonly problems: Problems;
}

function walk(tree: Tree, path: Path, rules: Patterns<Cast> | undefined, context: Context): Tree {
  if (tree instanceof Mapping) {
    const entries = new Map<string, Tree>();
    for (const [key, value] of tree.entries) entries.set(key, walk(value, [...path, key], rules?.at(key), context));
    return new Mapping(entries, tree.origin, tree.keys);
  }
  if (tree instanceof List)
    return new List(
      tree.items.map((item, index) => walk(item, [...path, index], rules?.at(index), context)),
      tree.origin,
    );
  return typeof tree.value === "string" ? interpolateScalar(tree, tree.value, path, rules?.rule, context) : tree;
}

function interpolateScalar(scalar: Scalar, text: string, path: Path, cast: Cast | undefined, { lookup, problems }: Context): Scalar {
  const { origin } = scalar;
  let value: string;
  try {
    value = substitute(text, lookup, (name) =>
      problems.warn(`the variable ${name} is not set; it stands for nothing`, {
        origin:
          origin &&
          inside(origin, origin.source.text.slice(origin.start, origin.end).search(new RegExp(`\\$\\{?${name}`)), name.length + 1),
        path,
      }),
    );
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    const place = origin && inside(origin, offsetInSource(origin, text, error.at), error.length);
    if (error.kind === "missing") problems.error("spec/missing-variable", error.message, { origin: place, path });
    else problems.error("spec/interpolation", error.message, { origin: place, path }, "A dollar that is meant as such is written $$.");
    return scalar;
  }
  if (!cast) return value === text ? scalar : new Scalar(value, origin);
  const result = cast(value);
  if ("expected" in result) {
    problems.error("spec/value", `${JSON.stringify(value)} is not ${result.expected}`, { origin, path });
    return scalar;
  }
  if (result.warning) problems.warn(result.warning, { origin, path });
  return new Scalar(result.value, origin);
}

/** Where in the written text the offset of its value is: exact for texts that are written as they read, else the start. */
function offsetInSource(origin: Origin, text: string, at: number): number {
  const written = origin.source.text.slice(origin.start, origin.end);
  const start = written.indexOf(text);
  return start < 0 ? -1 : start + at;
}

function inside(origin: Origin, offset: number, length: number): Origin {
  if (offset < 0) return origin;
  return { source: origin.source, start: origin.start + offset, end: origin.start + offset + length };
}
