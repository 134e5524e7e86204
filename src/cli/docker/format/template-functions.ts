import { TemplateError } from "./template-parse.ts";

/** Go's truth: false, 0, "", nil, and what is empty are false. */
export function isTrue(value: unknown): boolean {
  if (value === null || value === undefined) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object") return Object.keys(value).length > 0;
  return Boolean(value);
}

/** A value as fmt's %v prints it: `[a b]`, `map[k:v]`. */
export function goText(value: unknown, empty = "<nil>"): string {
  if (value === null || value === undefined) return empty;
  if (Array.isArray(value)) return `[${value.map((item) => goText(item)).join(" ")}]`;
  if (typeof value === "object") {
    const record = value as Record<string, unknown>;
    return `map[${Object.keys(record)
      .sort()
      .map((key) => `${key}:${goText(record[key])}`)
      .join(" ")}]`;
  }
  return String(value);
}

/** JSON as Go writes it: keys of what we built are sorted by the caller; `<`, `>`, `&` stay (Docker's `json` does not escape HTML). */
const json = (value: unknown): string => JSON.stringify(value ?? null);

export const templateFunctions: Readonly<Record<string, (...args: readonly unknown[]) => unknown>> = {
  json: (value) => json(value),
  split: (text, by) => goText(text, "").split(goText(by, "")),
  join: (list, by) => (Array.isArray(list) ? list.map((item) => goText(item)).join(goText(by, "")) : goText(list, "")),
  title: (text) =>
    goText(text, "").replace(/(^|[^\p{L}\p{N}_'])(\p{Ll})/gu, (_, before: string, letter: string) => before + letter.toUpperCase()),
  lower: (text) => goText(text, "").toLowerCase(),
  upper: (text) => goText(text, "").toUpperCase(),
  pad: (text, before, after) => (text === "" ? "" : " ".repeat(Number(before)) + goText(text, "") + " ".repeat(Number(after))),
  truncate: (text, length) => goText(text, "").slice(0, Number(length)),
  println: (...args) => `${args.map((one) => goText(one)).join(" ")}\n`,
  print: (...args) => printed(args),
  printf: (format, ...args) => goPrintf(goText(format, ""), args),
  len: (value) => {
    if (typeof value === "string") return Buffer.byteLength(value);
    if (Array.isArray(value)) return value.length;
    if (typeof value === "object" && value !== null) return Object.keys(value).length;
    if (value === null || value === undefined) return 0;
    throw new TemplateError(`template: :1: error calling len: len of type ${typeof value}`, "run");
  },
  index: (value, ...keys) => keys.reduce<unknown>(indexed, value),
  slice: (value, from, to) => {
    const end = to === undefined ? undefined : Number(to);
    return Array.isArray(value) ? value.slice(Number(from ?? 0), end) : goText(value, "").slice(Number(from ?? 0), end);
  },
  not: (value) => !isTrue(value),
  eq: (value, ...others) => others.some((other) => value === other),
  ne: (a, b) => a !== b,
  lt: (a, b) => compared(a, b) < 0,
  le: (a, b) => compared(a, b) <= 0,
  gt: (a, b) => compared(a, b) > 0,
  ge: (a, b) => compared(a, b) >= 0,
  html: (text) =>
    goText(text, "").replace(/[&<>"']/g, (one) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[one] ?? `&#${one.charCodeAt(0)};`),
  urlquery: (text) => encodeURIComponent(goText(text, "")).replace(/%20/g, "+"),
  js: (text) => JSON.stringify(goText(text, "")).slice(1, -1).replaceAll("'", "\\'"),
};

function compared(a: unknown, b: unknown): number {
  if (typeof a !== typeof b || (typeof a !== "number" && typeof a !== "string"))
    throw new TemplateError("template: :1: error calling lt: incompatible types for comparison", "run");
  return typeof a === "number" ? a - (b as number) : a < (b as string) ? -1 : a === b ? 0 : 1;
}

function indexed(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    if (typeof key !== "number" || key < 0 || key >= value.length)
      throw new TemplateError(`template: :1: error calling index: index out of range: ${goText(key)}`, "run");
    return value[key];
  }
  if (typeof value === "object" && value !== null) return (value as Record<string, unknown>)[goText(key)];
  if (value === null || value === undefined) throw new TemplateError("template: :1: error calling index: index of untyped nil", "run");
  throw new TemplateError(`template: :1: error calling index: can't index item of type ${typeof value}`, "run");
}

/** fmt.Sprint: blanks only between two operands that are both no strings. */
function printed(args: readonly unknown[]): string {
  return args.map((one, i) => (i > 0 && typeof one !== "string" && typeof args[i - 1] !== "string" ? " " : "") + goText(one)).join("");
}

function goPrintf(format: string, args: readonly unknown[]): string {
  let next = 0;
  const text = format.replace(
    /%([-+0# ]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g,
    (_, flags: string, width?: string, precision?: string, verb = "v") => {
      if (verb === "%") return "%";
      if (next >= args.length) return `%!${verb}(MISSING)`;
      const value = args[next++];
      const body = verbText(verb, value, precision === undefined ? undefined : Number(precision));
      const size = Number(width ?? 0);
      if (flags.includes("-")) return body.padEnd(size);
      return body.padStart(size, flags.includes("0") && verb !== "s" ? "0" : " ");
    },
  );
  return next < args.length
    ? `${text}%!(EXTRA ${args
        .slice(next)
        .map((one) => `${typeof one}=${goText(one)}`)
        .join(", ")})`
    : text;
}

function verbText(verb: string, value: unknown, precision: number | undefined): string {
  switch (verb) {
    case "q":
      return JSON.stringify(goText(value));
    case "d":
      return typeof value === "number" ? String(Math.trunc(value)) : `%!d(${goText(value)})`;
    case "x":
      return typeof value === "number" ? value.toString(16) : Buffer.from(goText(value)).toString("hex");
    case "f":
      return Number(value).toFixed(precision ?? 6);
    case "t":
    case "v":
    case "s":
      return precision === undefined ? goText(value) : goText(value).slice(0, precision);
    default:
      return `%!${verb}(${goText(value)})`;
  }
}
