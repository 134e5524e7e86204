import { toBoolean } from "../interpolation/casts.ts";
import type { Problems } from "../problems.ts";
import { List, Mapping, type Path, printed, Scalar, type Tree } from "../yaml/tree.ts";
import { parseBytes } from "./bytes.ts";
import { byBytes, type Codec, emptyRecord, fromText, list, sortedRecord, ValueError } from "./codec.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { shellWords } from "./shell-words.ts";

const same = <T>(value: T): T => value;

/** Text; the empty one is as good as none. */
export const text: Codec<string> = fromText(same, same, (value) => value === "");
const anyText: Codec<string> = fromText(same, same, () => false);
export const strings: Codec<string[]> = list(anyText);

/** Text of a fixed set, which the schema has checked. */
export const word = <T extends string>(): Codec<T> => text as unknown as Codec<T>;

/** True; false is left out. */
export const flag: Codec<boolean> = booleanCodec(false);
/** True or false. */
export const choice: Codec<boolean> = booleanCodec(true);

function booleanCodec(keepFalse: boolean): Codec<boolean> {
  return {
    decode(tree, path, problems) {
      if (!(tree instanceof Scalar)) return undefined;
      if (typeof tree.value === "boolean") return tree.value || keepFalse ? tree.value : undefined;
      const result = toBoolean(printed(tree));
      if ("expected" in result) {
        problems.error("spec/value", `${JSON.stringify(printed(tree))} is not ${result.expected}`, { origin: tree.origin, path });
        return undefined;
      }
      if (result.warning) problems.warn(result.warning, { origin: tree.origin, path });
      return result.value === true || keepFalse ? result.value === true : undefined;
    },
    encode: same,
  };
}

export const integer: Codec<number> = fromText(parseInteger, same, (value) => value === 0);
/** A whole number for which zero is something else than nothing. */
export const count: Codec<number> = fromText(parseInteger, same, () => false);

function parseInteger(value: string): number {
  if (!/^[-+]?\d+(\.0*)?$/.test(value)) throw new ValueError(`"${value}" is not a whole number`);
  return Number(value);
}

export const decimal: Codec<number> = fromText(parseNumber, floatShown, (value) => value === 0);

function parseNumber(value: string): number {
  const number = Number(value);
  if (value.trim() === "" || !Number.isFinite(number)) throw new ValueError(`"${value}" is not a number`);
  return number;
}

/** Compose keeps these in 32 bits, and prints the shortest number that is the same there. */
function floatShown(value: number): number {
  const float = Math.fround(value);
  for (let digits = 1; digits <= 9; digits++) {
    const shown = Number(float.toPrecision(digits));
    if (Math.fround(shown) === float) return shown;
  }
  return value;
}

/** Nanoseconds. */
export const duration: Codec<number> = fromText(parseDuration, formatDuration, () => false);
export const durationOrNone: Codec<number> = fromText(parseDuration, formatDuration, (value) => value === 0);

/** Bytes; a number below zero means no limit. */
export const bytes: Codec<number> = fromText(
  (value) => (/^-\d+$/.test(value) ? Number(value) : parseBytes(value)),
  (value) => String(value),
  (value) => value === 0,
);

/** A file mode: texts are octal, numbers were made so by YAML. */
export const mode: Codec<number> = {
  decode(tree, path, problems) {
    if (!(tree instanceof Scalar)) return undefined;
    if (typeof tree.value === "number") return tree.value;
    const value = printed(tree);
    if (/^[0-7]+$/.test(value)) return Number.parseInt(value, 8);
    problems.error("spec/value", `"${value}" is no file mode, such as "0440"`, { origin: tree.origin, path });
    return undefined;
  },
  encode: (value) => `0${value.toString(8)}`,
};

/** NAME=VALUE pairs or a mapping, as a mapping of texts; without a value: empty. */
export const pairs: Codec<Record<string, string>> = pairsCodec<string>((tree) => (tree && tree.value !== null ? printed(tree) : ""));

/** The same for an environment, where a name without a value is a variable that is passed through or removed: null. */
export const environment: Codec<Record<string, string | null>> = pairsCodec<string | null>(
  (tree) => (tree && tree.value !== null ? printed(tree) : null),
  {
    named: true,
  },
);

function pairsCodec<T>(read: (tree: Scalar | undefined) => T, { named = false } = {}): Codec<Record<string, T>> {
  return {
    decode(tree, path, problems) {
      const found = emptyRecord<T>();
      if (tree instanceof Mapping) {
        for (const [key, value] of tree.entries) if (value instanceof Scalar) found[key] = read(value);
      } else if (tree instanceof List) {
        for (const [index, item] of tree.items.entries()) {
          const pair = item instanceof Scalar ? printed(item) : "";
          const at = pair.indexOf("=");
          const key = at < 0 ? pair : pair.slice(0, at);
          if (named && /\s$/.test(key)) {
            problems.error("spec/value", `the variable "${key}" has a space before its =`, { origin: item.origin, path: [...path, index] });
          }
          found[key] = read(at < 0 ? undefined : new Scalar(pair.slice(at + 1)));
        }
      } else {
        return undefined;
      }
      return Object.keys(found).length > 0 ? found : undefined;
    },
    encode: (value) => sortedRecord(value, same),
  };
}

/** Host names, each with its addresses; printed as a list of `host=address`. */
export const hosts: Codec<Record<string, string[]>> = {
  decode(tree, path, problems) {
    const found = emptyRecord<string[]>();
    const add = (host: string, addresses: readonly string[], from: Tree) => {
      if (host === "" || /[:=]/.test(host)) problems.error("spec/value", `"${host}" is no host name`, { origin: from.origin, path });
      found[host] = [...(found[host] ?? []), ...addresses.map((one) => (/^\[.+\]$/.test(one) ? one.slice(1, -1) : one))];
    };
    if (tree instanceof Mapping) {
      for (const [host, value] of tree.entries) {
        if (value instanceof List)
          add(
            host,
            value.items.map((item) => (item instanceof Scalar ? printed(item) : "")),
            value,
          );
        else if (value instanceof Scalar) add(host, [value.value === null ? "" : printed(value)], value);
      }
    } else if (tree instanceof List) {
      for (const item of tree.items) {
        const [, host, addresses] = /^([^=]*)=([\s\S]*)$/.exec(scalarText(item)) ?? /^([^:]*):([\s\S]*)$/.exec(scalarText(item)) ?? [];
        if (host === undefined || addresses === undefined) {
          problems.error("spec/value", `"${scalarText(item)}" has no address`, { origin: item.origin, path }, "It is HOST=ADDRESS.");
        } else add(host, addresses.split(","), item);
      }
    }
    return Object.keys(found).length > 0 ? found : undefined;
  },
  encode: (value) =>
    Object.entries(value)
      .flatMap(([host, addresses]) => addresses.map((address) => `${host}=${address}`))
      .sort(byBytes),
};

/** A command: a list of words, or a line that is split into them. null: not given. */
export const command: Codec<string[] | null> = {
  decode(tree, path, problems) {
    if (tree instanceof List) return tree.items.map(scalarText);
    if (!(tree instanceof Scalar) || tree.value === null) return undefined;
    return split(printed(tree), tree, path, problems);
  },
  encode: same,
  absent: (style) => (style === "json" ? null : undefined),
};

function split(line: string, tree: Tree, path: Path, problems: Problems): string[] | undefined {
  try {
    const { words, dropped } = shellWords(line);
    if (dropped) {
      const hint = `Compose runs no shell here; to have one, write ["sh", "-c", ${JSON.stringify(line)}].`;
      problems.warn(`"${dropped}" is no part of the command`, { origin: tree.origin, path }, hint);
    }
    return words;
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    problems.error("spec/value", error.message, { origin: tree.origin, path });
    return undefined;
  }
}

/** `healthcheck.test`: a text is run by a shell. */
export const test: Codec<string[]> = {
  decode(tree) {
    if (tree instanceof Scalar) return tree.value === null ? undefined : ["CMD-SHELL", printed(tree)];
    const words = tree instanceof List ? tree.items.map(scalarText) : [];
    return words.length > 0 ? words : undefined;
  },
  encode: same,
};

/** A limit for both, or a soft and a hard one; which of the two was written is kept, to be printed so again. */
export const ulimit: Codec<{ soft: number; hard: number; single?: boolean }> = {
  decode(tree, path, problems) {
    if (tree instanceof Mapping) {
      const part = (key: string) => {
        const value = tree.get(key);
        return (value && count.decode(value, [...path, key], problems)) ?? 0;
      };
      return { soft: part("soft"), hard: part("hard") };
    }
    const both = count.decode(tree, path, problems);
    if (both === undefined) return undefined;
    return both === 0 ? { soft: 0, hard: 0 } : { soft: both, hard: both, single: true };
  },
  encode({ soft, hard, single }, style) {
    if (single) return soft;
    if (style === "yaml") return { soft, hard };
    return { ...(soft ? { soft } : {}), ...(hard ? { hard } : {}) };
  },
};

/** How many devices; `all` is -1. */
export const deviceCount: Codec<number> = fromText(
  (value) => (value.toLowerCase() === "all" ? -1 : parseInteger(value)),
  same,
  (value) => value === 0,
);

/** Options that may be given more than once. */
export const multiOptions: Codec<Record<string, string[]>> = {
  decode(tree) {
    const found = emptyRecord<string[]>();
    for (const [key, value] of tree instanceof Mapping ? tree.entries : []) {
      const values = value instanceof List ? value.items : [value];
      if (values.length > 0) found[key] = values.map(scalarText);
    }
    return Object.keys(found).length > 0 ? found : undefined;
  },
  encode: (value) => sortedRecord(value, same),
};

/** SSH agents: `default`, or `ID=PATH`. */
export const sshKeys: Codec<string[]> = {
  decode(tree) {
    const keys: string[] = [];
    for (const [id, path] of tree instanceof Mapping ? tree.entries : []) keys.push(scalarText(path) ? `${id}=${scalarText(path)}` : id);
    return keys.length > 0 ? keys : undefined;
  },
  encode: same,
};

function scalarText(tree: Tree): string {
  return tree instanceof Scalar && tree.value !== null ? printed(tree) : "";
}
