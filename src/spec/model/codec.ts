import type { Problems } from "../problems.ts";
import { isNull, List, Mapping, type Path, printed, Scalar, type Tree } from "../yaml/tree.ts";

/** Which canonical form is printed: the JSON and the YAML of `docker compose config` differ in what they leave out. */
export type Style = "json" | "yaml";

/**
 * The two ways of one kind of value: from a file's tree into the canonical project (durations in nanoseconds, sizes in bytes), and from there to what
 * `berth config` prints. `decode` answers undefined for what is not given or, where Compose leaves it out too, for zero.
 */
export interface Codec<T> {
  decode(tree: Tree, path: Path, problems: Problems): T | undefined;
  encode(value: T, style: Style): unknown;
  /** What is printed where there is no value; nothing if it is left out. */
  readonly absent?: (style: Style) => unknown;
  /** Whether null is a value of its own here, not an absent one. */
  readonly nullable?: boolean;
}

/** What a text was refused for. */
export class ValueError extends Error {}

/** A codec of texts that are read by a function; numbers are read as the text they print as. @param parse throws ValueError */
export function fromText<T>(
  parse: (text: string) => T,
  encode: (value: T, style: Style) => unknown,
  isZero: (value: T) => boolean,
): Codec<T> {
  return {
    decode(tree, path, problems) {
      if (!(tree instanceof Scalar) || tree.value === null) return wrongKind(tree, path, problems);
      try {
        const value = parse(typeof tree.value === "string" ? tree.value : printed(tree));
        return isZero(value) ? undefined : value;
      } catch (error) {
        if (!(error instanceof ValueError)) throw error;
        problems.error("spec/value", error.message, { origin: tree.origin, path });
        return undefined;
      }
    },
    encode,
  };
}

function wrongKind(tree: Tree, path: Path, problems: Problems): undefined {
  if (!isNull(tree)) problems.error("spec/value", "a single value is expected here", { origin: tree.origin, path });
  return undefined;
}

/** A list of values; a single value is a list of one. An empty list is left out. */
export function list<T>(item: Codec<T>, { keepEmpty = false } = {}): Codec<T[]> {
  return {
    decode(tree, path, problems) {
      if (isNull(tree)) return undefined;
      const items = tree instanceof List ? tree.items : [tree];
      const values = items.map((one, index) => item.decode(one, [...path, index], problems)).filter((one) => one !== undefined);
      return values.length > 0 || keepEmpty ? values : undefined;
    },
    encode: (values, style) => values.map((value) => item.encode(value, style)),
  };
}

/** A mapping whose keys are the user's. An empty one is left out. */
export function record<T>(value: Codec<T>): Codec<Record<string, T>> {
  return {
    decode(tree, path, problems) {
      if (!(tree instanceof Mapping)) return undefined;
      const found = emptyRecord<T>();
      for (const [key, one] of tree.entries) {
        const decoded = value.decode(one, [...path, key], problems);
        if (decoded !== undefined) found[key] = decoded;
      }
      return Object.keys(found).length > 0 ? found : undefined;
    },
    encode: (values, style) => sortedRecord(values, (one) => value.encode(one, style)),
  };
}

/** A value that may be null. */
export function nullable<T>(codec: Codec<T>): Codec<T | null> {
  return {
    decode: (tree, path, problems) => (isNull(tree) ? null : codec.decode(tree, path, problems)),
    encode: (value, style) => (value === null ? null : codec.encode(value, style)),
    nullable: true,
  };
}

/** The codec of every attribute of T, in the order in which Compose prints them. */
export type Fields<T> = {
  readonly [K in Exclude<keyof T, "extensions"> & string]-?: Codec<NonNullable<T[K]>> | Codec<NonNullable<T[K]> | null>;
};

/**
 * A mapping with known keys; its x- keys become `extensions`. Zero is a value of its own: an empty mapping stays.
 * @param always what Go prints where its struct is no pointer: an empty mapping
 */
export function struct<T extends object>(fields: Fields<T>, { always = false } = {}): Codec<T> {
  const table = Object.entries(fields) as [string, Codec<unknown>][]; // the names of T's attributes, each with its codec
  return {
    decode(tree, path, problems) {
      if (!(tree instanceof Mapping)) return undefined;
      const found: Record<string, unknown> = {};
      for (const [key, codec] of table) {
        const value = tree.get(key);
        if (value === undefined || (isNull(value) && !codec.nullable)) continue;
        const decoded = codec.decode(value, [...path, key], problems);
        if (decoded !== undefined) found[key] = decoded;
      }
      const extra = extensionsOf(tree);
      if (extra) found["extensions"] = extra;
      if (always && Object.keys(found).length === 0) return undefined;
      return found as T; // its attributes were decoded by their own codecs
    },
    encode(value, style) {
      const found: Record<string, unknown> = {};
      const given = value as Record<string, unknown>;
      for (const [key, codec] of table) {
        const one = given[key];
        const shown = one === undefined || (one === null && !codec.nullable) ? codec.absent?.(style) : codec.encode(one, style);
        if (shown !== undefined) found[key] = shown;
      }
      if (style === "yaml") Object.assign(found, given["extensions"]);
      return found;
    },
    ...(always ? { absent: (style: Style) => (style === "json" ? {} : undefined) } : {}),
  };
}

/** The x- keys of a mapping, as plain values. */
export function extensionsOf(tree: Mapping): Record<string, unknown> | undefined {
  let found: Record<string, unknown> | undefined;
  for (const [key, value] of tree.entries) {
    if (!key.startsWith("x-") || key === "x-#content") continue;
    found ??= {};
    found[key] = plain(value);
  }
  return found;
}

/** Plain values of an extension; a date stays the text it was. */
function plain(tree: Tree): unknown {
  if (tree instanceof Scalar) return tree.kind === "timestamp" ? tree.text : tree.value;
  if (tree instanceof List) return tree.items.map(plain);
  const found = emptyRecord<unknown>();
  for (const [key, value] of tree.entries) found[key] = plain(value);
  return found;
}

export function sortedRecord<T>(values: Readonly<Record<string, T>>, encode: (value: T) => unknown): Record<string, unknown> {
  const found = emptyRecord<unknown>();
  for (const key of Object.keys(values).sort(byBytes)) found[key] = encode(values[key] as T);
  return found;
}

/** Go sorts the keys of maps by their bytes. */
export function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/** A record that takes every name a user may write, `__proto__` too. */
export function emptyRecord<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}
