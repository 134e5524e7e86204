import { BerthError, type ErrorCode } from "../../system/index.ts";
import { timeMs } from "./query-values.ts";

/** The values asked for, by key. A key with no values asks for nothing. */
export type Filters = ReadonlyMap<string, readonly string[]>;

/**
 * `filters` of a query in both encodings: {"name":["x"]} and {"name":{"x":true}}. `known`: the keys that there are; none for any.
 * @throws BerthError api/bad-parameter for a key that is not known or for what is neither encoding
 */
export function filters(query: URLSearchParams, known?: readonly string[]): Filters {
  const text = query.get("filters");
  const result = new Map<string, string[]>();
  if (!text) return result;
  for (const [key, value] of Object.entries(parsed(text) ?? {})) {
    if (known && !known.includes(key)) throw new BerthError("api/bad-parameter", `invalid filter '${key}'`);
    result.set(key, Array.isArray(value) ? value : Object.keys(value ?? {}));
  }
  return result;
}

function parsed(text: string): Record<string, string[] | Record<string, boolean> | null> | null {
  const bad = () => new BerthError("api/bad-parameter", "invalid filter");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw bad();
  }
  if (typeof value !== "object" || Array.isArray(value)) throw bad();
  const values = Object.values(value ?? {});
  const isNew = (one: unknown) =>
    one === null || (typeof one === "object" && !Array.isArray(one) && Object.values(one).every((on) => typeof on === "boolean"));
  const isOld = (one: unknown) => one === null || (Array.isArray(one) && one.every((word) => typeof word === "string"));
  if (!values.every(isNew) && !values.every(isOld)) throw bad();
  return value as ReturnType<typeof parsed>; // just checked
}

/** Whether one of the values passes, or nothing is asked for. */
export function anyOf(wanted: Filters, key: string, test: (value: string) => boolean): boolean {
  const values = wanted.get(key) ?? [];
  return values.length === 0 || values.some(test);
}

/** The same for a word that is part of the name or an expression for it; a broken expression is only a word. */
export function nameIs(wanted: Filters, key: string, ...names: readonly string[]): boolean {
  return anyOf(wanted, key, (value) => names.some((name) => name === value || matches(value, name)));
}

function matches(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern).test(name);
  } catch {
    return false;
  }
}

/** A filter that is yes or no. @throws BerthError api/bad-parameter for no value, another one, or both */
export function yesOrNo(wanted: Filters, key: string): boolean | undefined {
  const values = wanted.get(key);
  if (values === undefined) return undefined;
  const isTrue = values.includes("1") || values.includes("true");
  const isFalse = values.includes("0") || values.includes("false");
  if (isTrue === isFalse)
    throw new BerthError("api/bad-parameter", `invalid filter '${key}${values.length > 0 ? `=[${values.join(" ")}]` : ""}'`);
  return isTrue;
}

/** "k=v" and "k" against labels; all must match. */
export function labelsMatch(wanted: readonly string[] | undefined, labels: Readonly<Record<string, string>>): boolean {
  return (wanted ?? []).every((text) => {
    const at = text.indexOf("=");
    return at < 0 ? labels[text] !== undefined : labels[text.slice(0, at)] === text.slice(at + 1);
  });
}

/**
 * What a prune takes of things: every `label`, none of `label!`, older than `until`. It is asked before the first thing is looked at, so that a bad time takes
 * nothing. @throws BerthError `code` for more than one time, or one that is none
 */
export function pruneFilter(
  wanted: Filters,
  code: ErrorCode = "api/bad-parameter",
): (thing: { readonly labels: Readonly<Record<string, string>>; readonly createdIso: string }) => boolean {
  const [until, ...more] = wanted.get("until") ?? [];
  if (more.length > 0) throw new BerthError(code, "more than one until filter specified");
  const untilMs = until === undefined ? undefined : timeMs(until, code);
  return ({ labels, createdIso }) =>
    labelsMatch(wanted.get("label"), labels) &&
    !(wanted.get("label!") ?? []).some((text) => labelsMatch([text], labels)) &&
    (untilMs === undefined || Date.parse(createdIso) < untilMs);
}
