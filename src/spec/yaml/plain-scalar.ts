import type { ScalarValue } from "./tree.ts";

/** What an unquoted word of YAML means. */
export interface PlainScalar {
  readonly value: ScalarValue;
  /** How Go prints it, where JavaScript would print something else. */
  readonly text?: string;
  readonly kind?: "float" | "timestamp";
}

const constants = new Map<string, PlainScalar>([
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, { value: null }] as const),
  ...["true", "True", "TRUE"].map((word) => [word, { value: true }] as const),
  ...["false", "False", "FALSE"].map((word) => [word, { value: false }] as const),
  ...[".nan", ".NaN", ".NAN"].map((word) => [word, { value: Number.NaN, kind: "float" }] as const),
  ...[".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"].map((word) => [word, { value: Number.POSITIVE_INFINITY, kind: "float" }] as const),
  ...["-.inf", "-.Inf", "-.INF"].map((word) => [word, { value: Number.NEGATIVE_INFINITY, kind: "float" }] as const),
]);

const float = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const timestamp = /^\d{4}-\d{1,2}-\d{1,2}([Tt ]\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?(Z|[-+]\d{2}:\d{2})?)?$/;

/**
 * Unquoted words as Docker Compose reads them: YAML 1.2, and of YAML 1.1 the octal `010`, underscores in numbers, `0b` and timestamps;
 * not `yes`, `no`, `on`, `off` and not `22:22` (go-yaml v3, resolve.go).
 */
export function plainScalar(word: string): PlainScalar {
  const first = word.charCodeAt(0);
  const isNumberLike = (first >= 48 && first <= 57) || first === 43 || first === 45 || first === 46;
  if (!isNumberLike) return constants.get(word) ?? { value: word };
  const constant = constants.get(word);
  if (constant) return constant;
  if (timestamp.test(word) && isDay(word)) return { value: word, kind: "timestamp", text: word };
  const digits = word.replaceAll("_", "");
  const whole = integer(digits);
  if (whole !== undefined) {
    const value = Number(whole);
    return Number.isSafeInteger(value) ? { value } : { value, text: String(whole) };
  }
  if (float.test(digits)) return { value: Number(digits), kind: "float" };
  return { value: word };
}

function integer(text: string): bigint | undefined {
  const match = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]+|0|[1-9][0-9]*)$/.exec(text);
  if (!match) return undefined;
  const body = match[2] ?? "";
  const size = BigInt(/^0[0-7]+$/.test(body) ? `0o${body.slice(1)}` : body);
  const value = match[1] === "-" ? -size : size;
  return value < -(2n ** 63n) || value >= 2n ** 64n ? undefined : value;
}

function isDay(word: string): boolean {
  const [year = 0, month = 0, day = 0] = word.split(/[Tt ]/, 1)[0]?.split("-").map(Number) ?? [];
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}
