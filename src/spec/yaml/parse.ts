import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  parseAllDocuments,
  visit,
  type YAMLMap,
  Scalar as YamlScalar,
} from "yaml";
import type { Problems } from "../problems.ts";
import { plainScalar } from "./plain-scalar.ts";
import { quickRead } from "./quick-read.ts";
import { type Origin, Source } from "./source.ts";
import { List, Mapping, type Path, Scalar, type Tree } from "./tree.ts";

/** One document of a file: its values, and the paths that its `!reset` and `!override` tags clear in the files before it. */
export interface ParsedDocument {
  readonly root: Tree | undefined;
  readonly cleared: readonly Path[];
}

/** Values may not lie deeper in each other than this. */
const deepest = 200;
/** A file's aliases may not multiply into more values than this. */
const mostValues = 250_000;

/**
 * Reads every document of a YAML text, with the place of each value. Aliases and merge keys are resolved, so that each value stands alone.
 * Faults of the text, duplicate keys and keys that are no strings are reported to `problems`.
 */
export function parseYaml(file: string, text: string, problems: Problems): ParsedDocument[] {
  const source = new Source(file, text.replace(/^\uFEFF/, ""));
  const quick = quickRead(source);
  return quick ? [{ root: quick.root, cleared: [] }] : parseWhole(source, problems);
}

/** The same for every text, by a parser of the whole language. */
export function parseWhole(source: Source, problems: Problems): ParsedDocument[] {
  const documents = parsed(source, problems);
  const found: ParsedDocument[] = [];
  for (const document of documents) {
    for (const error of document.errors) {
      problems.error("spec/yaml", sentence(error.message), { origin: { source, start: error.pos[0], end: error.pos[1] } });
    }
    if (document.errors.length > 0 || !("contents" in document) || !document.contents) continue;
    const contents = document.contents as unknown as Node;
    if (isScalar(contents) && contents.value === "" && contents.type === YamlScalar.PLAIN) continue;
    const targets = aliasTargets(document);
    const reader = new Reader(source, problems, (alias) => targets.get(alias));
    try {
      found.push({ root: reader.tree(contents, []), cleared: reader.cleared });
    } catch (error) {
      if (!(error instanceof TooMuch)) throw error;
      problems.error("spec/yaml", "the file's aliases make too many values of it", { origin: { source, start: 0, end: 1 } });
    }
  }
  return found;
}

/** What each alias stands for: the last node before it with its anchor. */
function aliasTargets(document: Document.Parsed): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, (_, node) => {
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target) targets.set(node, target);
    } else if ((isScalar(node) || isCollection(node)) && node.anchor) anchors.set(node.anchor, node);
  });
  return targets;
}

function parsed(source: Source, problems: Problems) {
  const options = {
    schema: "failsafe",
    uniqueKeys: false,
    merge: false,
    prettyErrors: false,
    keepSourceTokens: false,
    logLevel: "silent",
    stringKeys: false,
  } as const;
  try {
    return parseAllDocuments(source.text, options);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problems.error("spec/yaml", "this is nested too deeply", { origin: { source, start: 0, end: 1 } });
    return [];
  }
}

class TooMuch extends Error {}

class Reader {
  readonly cleared: Path[] = [];
  readonly #source: Source;
  readonly #problems: Problems;
  readonly #resolve: (alias: Alias) => Node | undefined;
  readonly #open = new Set<Node>();
  #count = 0;

  constructor(source: Source, problems: Problems, resolve: (alias: Alias) => Node | undefined) {
    this.#source = source;
    this.#problems = problems;
    this.#resolve = resolve;
  }

  /** The tree of a node; undefined for one that is tagged `!reset`. */
  tree(node: Node | null, path: Path): Tree | undefined {
    if (node === null) return new Scalar(null);
    if (++this.#count > mostValues) throw new TooMuch();
    if (path.length > deepest) {
      if (path.length === deepest + 1) this.#error("this is nested too deeply", node, path.slice(0, 3));
      return undefined;
    }
    if (isAlias(node)) return this.#aliased(node, path, (target) => this.tree(target, path));
    if (node.tag === "!reset") {
      this.cleared.push(path);
      return undefined;
    }
    if (node.tag === "!override") this.cleared.push(path);
    if (isScalar(node)) return this.#scalar(node);
    if (isSeq(node)) {
      const items = node.items.map((item, index) => this.tree(item as Node | null, [...path, index]));
      return new List(
        items.filter((item) => item !== undefined),
        this.#origin(node),
      );
    }
    if (isMap(node)) return this.#mapping(node, path);
    return new Scalar(null, this.#origin(node));
  }

  #mapping(node: YAMLMap, path: Path): Mapping {
    const mapping = new Mapping(new Map(), this.#origin(node));
    const merged: Node[] = [];
    const written = new Map<string, Origin | undefined>();
    for (const pair of node.items) {
      if (!isPair(pair)) continue;
      const key = this.#key(pair.key as Node, path);
      if (key === undefined) continue;
      const origin = this.#origin(pair.key as Node);
      if (written.has(key)) {
        const first = written.get(key);
        this.#problems.error(
          "spec/yaml",
          `the key "${key}" is here twice`,
          { origin, path },
          first && `The first is on line ${first.source.position(first.start).line}.`,
        );
        continue;
      }
      written.set(key, origin);
      const value = pair.value as Node | null;
      if (key === "<<" && isPlain(pair.key)) {
        if (value) merged.push(value);
        continue;
      }
      const tree = this.tree(value, [...path, key]);
      if (tree === undefined) continue;
      mapping.set(key, isEmptyNode(tree) ? new Scalar(null, origin) : tree, origin);
    }
    for (const node of merged) this.#merge(mapping, node, path, written);
    return mapping;
  }

  /** `<<: *base` and `<<: [*one, *other]`: keys that are not written here; the first one wins (yaml.org/type/merge.html). */
  #merge(into: Mapping, node: Node, path: Path, written: ReadonlyMap<string, unknown>): void {
    if (isAlias(node)) {
      this.#aliased(node, path, (target) => {
        this.#merge(into, target, path, written);
        return undefined;
      });
      return;
    }
    if (isSeq(node)) {
      for (const item of node.items) this.#merge(into, item as Node, path, written);
      return;
    }
    if (!isMap(node)) {
      this.#error("a merge key (<<) takes a mapping, or a list of mappings", node, path);
      return;
    }
    const base = this.#mapping(node, path);
    for (const [key, value] of base.entries) {
      if (!into.has(key) && !written.has(key)) into.set(key, value, base.keys.get(key));
    }
  }

  #aliased<T>(node: Alias, path: Path, use: (target: Node) => T): T | undefined {
    const target = this.#resolve(node);
    if (!target) {
      this.#error(`there is no anchor &${node.source} before this`, node, path);
      return undefined;
    }
    if (this.#open.has(target)) {
      this.#error(`the alias *${node.source} stands inside its own anchor`, node, path);
      return undefined;
    }
    this.#open.add(target);
    const result = use(target);
    this.#open.delete(target);
    return result;
  }

  #key(node: Node, path: Path): string | undefined {
    const target = isAlias(node) ? this.#resolve(node) : node;
    if (isScalar(target)) {
      const scalar = this.#scalar(target);
      if (typeof scalar.value === "string" && scalar.kind !== "timestamp") return scalar.value;
      const text = scalar.text ?? String(scalar.value);
      this.#error(`the key ${text} is no string`, node, path, `Write "${text}", in quotes.`);
      return undefined;
    }
    this.#error("a key is a string", node ?? undefined, path);
    return undefined;
  }

  #scalar(node: YamlScalar): Scalar {
    const text = typeof node.value === "string" ? node.value : String(node.value ?? "");
    const origin = this.#origin(node);
    const { tag } = node;
    if (tag === "!!binary" || tag === "tag:yaml.org,2002:binary") return new Scalar(Buffer.from(text, "base64").toString("utf8"), origin);
    if ((isPlain(node) && (!tag || !/^(!|tag:yaml\.org,2002:)(!?str)$/.test(tag))) || /(int|float|bool|null|timestamp)$/.test(tag ?? "")) {
      const { value, ...detail } = plainScalar(text);
      return new Scalar(value, origin, detail);
    }
    return new Scalar(text, origin);
  }

  #origin(node: Node | null | undefined): Origin | undefined {
    return node?.range ? { source: this.#source, start: node.range[0], end: node.range[1] } : undefined;
  }

  #error(message: string, node: Node | undefined, path: Path, hint?: string): void {
    this.#problems.error("spec/yaml", message, { origin: this.#origin(node), path }, hint);
  }
}

/** Nothing was written: the place of the key is the place of it. */
function isEmptyNode(tree: Tree): boolean {
  return tree instanceof Scalar && tree.value === null && (!tree.origin || tree.origin.start === tree.origin.end);
}

function isPlain(node: unknown): boolean {
  return isScalar(node) && node.type === YamlScalar.PLAIN;
}

/** The parser's own sentence, as one of ours. */
function sentence(message: string): string {
  const text = message.replace(/ at line \d+, column \d+:?[\s\S]*$/, "");
  return text.charAt(0).toLowerCase() + text.slice(1);
}
