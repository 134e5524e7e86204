import type { Origin } from "./source.ts";

/** A value of a project file, each part of it with the place it came from. The steps of the loader work on trees; only the last one makes plain objects. */
export type Tree = Scalar | List | Mapping;

export type ScalarValue = string | number | boolean | null;

export class Scalar {
  readonly value: ScalarValue;
  readonly origin: Origin | undefined;
  /** How Go prints a number that JavaScript would print otherwise, or the text of a timestamp. */
  readonly text: string | undefined;
  readonly kind: "float" | "timestamp" | undefined;

  constructor(value: ScalarValue, origin?: Origin, detail: { text?: string; kind?: "float" | "timestamp" } = {}) {
    this.value = value;
    this.origin = origin;
    this.text = detail.text;
    this.kind = detail.kind;
  }
}

export class List {
  readonly items: Tree[];
  readonly origin: Origin | undefined;

  constructor(items: Tree[], origin?: Origin) {
    this.items = items;
    this.origin = origin;
  }
}

export class Mapping {
  readonly entries: Map<string, Tree>;
  readonly origin: Origin | undefined;
  /** Where each key is written. */
  readonly keys: Map<string, Origin>;

  constructor(entries: Map<string, Tree> = new Map(), origin?: Origin, keys: Map<string, Origin> = new Map()) {
    this.entries = entries;
    this.origin = origin;
    this.keys = keys;
  }

  get(key: string): Tree | undefined {
    return this.entries.get(key);
  }

  has(key: string): boolean {
    return this.entries.has(key);
  }

  set(key: string, value: Tree, origin?: Origin): void {
    this.entries.set(key, value);
    if (origin) this.keys.set(key, origin);
  }

  delete(key: string): void {
    this.entries.delete(key);
    this.keys.delete(key);
  }

  /** The place of an entry: its key, or else its value. */
  originOf(key: string): Origin | undefined {
    return this.keys.get(key) ?? this.entries.get(key)?.origin ?? this.origin;
  }
}

/** The keys from the root to a value; items of lists by their index. */
export type Path = readonly (string | number)[];

/** `services.web.ports[0]` */
export function pathText(path: Path): string {
  return path.map((part, index) => (typeof part === "number" ? `[${part}]` : index === 0 ? part : `.${part}`)).join("");
}

export function isNull(tree: Tree | undefined): boolean {
  return tree === undefined || (tree instanceof Scalar && tree.value === null);
}

export function stringOf(tree: Tree | undefined): string | undefined {
  return tree instanceof Scalar && typeof tree.value === "string" ? tree.value : undefined;
}

/** What follows a path from the root, as far as it goes: the value there, and the nearest place known. */
export function find(root: Tree, path: Path): { tree: Tree | undefined; origin: Origin | undefined } {
  let tree: Tree | undefined = root;
  let origin = root.origin;
  for (const part of path) {
    if (tree instanceof Mapping) {
      origin = tree.has(String(part)) ? (tree.originOf(String(part)) ?? origin) : origin;
      tree = tree.get(String(part));
    } else if (tree instanceof List) {
      tree = tree.items[Number(part)];
      origin = tree?.origin ?? origin;
    } else {
      tree = undefined;
    }
    if (!tree) break;
  }
  return { tree, origin };
}

/** A copy that shares nothing that can be changed. */
export function clone(tree: Tree): Tree {
  if (tree instanceof Scalar) return tree;
  if (tree instanceof List) return new List(tree.items.map(clone), tree.origin);
  return new Mapping(new Map([...tree.entries].map(([key, value]) => [key, clone(value)])), tree.origin, new Map(tree.keys));
}

/** Go's `fmt.Sprint` of a scalar: what Compose makes of a number or a boolean where text is wanted. */
export function printed(scalar: Scalar): string {
  const { value } = scalar;
  if (scalar.text !== undefined) return scalar.text;
  if (value === null) return "<nil>";
  return typeof value === "number" && scalar.kind === "float" ? goFloat(value) : String(value);
}

/** Go's `%v` of a float: with an exponent from 1e+06 up and below 1e-4, of two digits at least. */
function goFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const size = Math.abs(value);
  const exponential = value.toExponential();
  const exponent = Number(exponential.slice(exponential.indexOf("e") + 1));
  if (size < 1e-4 || exponent >= 6) return exponential.replace(/e([+-])(\d)$/, "e$10$2");
  return String(value);
}

/** Plain JavaScript for a tree; what is no JSON (a timestamp) stays an object of a class of its own. */
export function toPlain(tree: Tree): unknown {
  if (tree instanceof Scalar) return tree.kind === "timestamp" ? new Date(0) : tree.value;
  if (tree instanceof List) return tree.items.map(toPlain);
  const plain: Record<string, unknown> = {};
  for (const [key, value] of tree.entries) {
    if (key === "__proto__") Object.defineProperty(plain, key, { value: toPlain(value), enumerable: true, configurable: true });
    else plain[key] = toPlain(value);
  }
  return plain;
}
