import { patternExpression } from "../context/ignore-rules.ts";
import { resolvePath } from "./resolve-path.ts";
import { joinPath, type SourceEntry, type SourceTree, treePath } from "./source-tree.ts";

export interface Selected {
  /** What is copied: a link that was named itself is already followed. */
  readonly entry: SourceEntry;
  /** The name under which it was asked for: what a file is called in a destination directory. */
  readonly name: string;
  /** With --parents: directories to keep below the destination. */
  readonly parents: string;
}

export class SourceMissing extends Error {
  readonly source: string;
  readonly wildcard: boolean;
  constructor(source: string, wildcard: boolean) {
    super(`"/${source}": not found`);
    this.source = source;
    this.wildcard = wildcard;
  }
}

/** The entries that one source of COPY or ADD names; wildcards are Go's filepath.Match, component by component. A pattern may match nothing. Throws SourceMissing. */
export function selectSources(tree: SourceTree, source: string, o: { parents: boolean }): Selected[] {
  const pivot = source.indexOf("/./");
  const path = treePath(source);
  const prefix = o.parents && pivot >= 0 ? treePath(source.slice(0, pivot)) : "";
  const parentsOf = (found: string) => (o.parents ? parentPath(prefix ? found.slice(prefix.length + 1) : found) : "");
  if (!hasWildcard(path)) {
    const entry = tree.entry(resolvePath(tree, path));
    if (!entry) throw new SourceMissing(path, false);
    return [{ entry, name: baseName(path), parents: parentsOf(path) }];
  }
  let found = [""];
  for (const component of path.split("/")) {
    if (o.parents && component === "**") found = found.flatMap((directory) => [directory, ...directoriesBelow(tree, directory)]);
    else found = found.flatMap((directory) => matches(tree, directory, component));
  }
  return [...new Set(found)]
    .filter((match) => match !== "")
    .map((match) => {
      const entry = tree.entry(resolvePath(tree, match));
      if (!entry) throw new SourceMissing(match, true); // a link that leads nowhere
      return { entry, name: baseName(match), parents: parentsOf(match) };
    });
}

/** Whether a source is a pattern: one that matches nothing is no error. */
export function hasWildcard(source: string): boolean {
  return /[*?[\\]/.test(source);
}

function matches(tree: SourceTree, directory: string, component: string): string[] {
  const at = resolvePath(tree, directory);
  if (!tree.entry(at)?.stat.isDirectory()) return [];
  if (!/[*?[\\]/.test(component)) return tree.entry(joinPath(at, component)) ? [joinPath(directory, component)] : [];
  const expression = patternExpression(component.replaceAll("**", "*"));
  return tree.list(at).flatMap((entry) => (expression.test(entry.name) ? [joinPath(directory, entry.name)] : []));
}

function directoriesBelow(tree: SourceTree, directory: string): string[] {
  return tree
    .list(directory)
    .filter((entry) => entry.stat.isDirectory())
    .flatMap((entry) => [entry.path, ...directoriesBelow(tree, entry.path)]);
}

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
const parentPath = (path: string): string => path.slice(0, Math.max(path.lastIndexOf("/"), 0));
