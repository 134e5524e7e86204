/** The value of a variable, or undefined where it is not set. */
export type Lookup = (name: string) => string | undefined;

/** Why a text could not be interpolated; `at` is the offset of the `$` in the text. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
  readonly kind: "format" | "missing";
  readonly at: number;
  readonly length: number;

  constructor(kind: "format" | "missing", message: string, at: number, length: number) {
    super(message);
    this.kind = kind;
    this.at = at;
    this.length = length;
  }
}

const expression = /\$(?:(\$)|([_a-z][_a-z0-9]*)|\{(?:([_a-z][_a-z0-9]*(?::?[-+?]([^\n]*))?)\}|()))/gi;
const operators = [":?", "?", ":-", "-", ":+", "+"] as const;

/**
 * Replaces `$NAME`, `${NAME}` and its forms with defaults, alternatives and demands, nested to any depth; `$$` is a dollar, and a dollar before
 * anything else stays (compose-spec 12-interpolation.md; compose-go, package template).
 * @param unset is told each variable that has neither a value nor a default
 * @throws TemplateError
 */
export function substitute(text: string, lookup: Lookup, unset: (name: string) => void = () => {}): string {
  if (!text.includes("$")) return text;
  return text.replace(expression, (match: string, ...groups: unknown[]) => {
    const at = groups[5] as number; // after the five groups
    return replacement(match, at, lookup, unset);
  });
}

function replacement(match: string, at: number, lookup: Lookup, unset: (name: string) => void): string {
  // A brace expression was matched up to the last brace of the line: its own end is where its braces balance.
  const close = closingBrace(match);
  const own = close < 0 ? match : match.slice(0, close + 1);
  const rest = close < 0 ? "" : match.slice(close + 1);
  expression.lastIndex = 0;
  const [, escaped, named, braced] = new RegExp(expression.source, "i").exec(own) ?? [];
  if (escaped) return "$";
  const inside = named ?? braced;
  if (!inside) throw new TemplateError("format", `invalid interpolation: ${shortened(match)}`, at, match.length);
  if (named === undefined) {
    const value = operate(inside, firstOperator(match), { at, length: own.length }, lookup, unset);
    if (value !== undefined) return value + shifted(rest, at + own.length, lookup, unset);
  }
  const value = lookup(inside);
  if (value === undefined) unset(inside);
  return value ?? "";
}

/** The operator that stands first in the whole expression decides, as in Compose. */
function firstOperator(text: string): (typeof operators)[number] {
  let best: (typeof operators)[number] = ":?";
  let bestAt = Number.POSITIVE_INFINITY;
  for (const operator of operators) {
    const at = text.indexOf(operator);
    if (at >= 0 && at < bestAt) {
      best = operator;
      bestAt = at;
    }
  }
  return best;
}

function operate(
  inside: string,
  operator: (typeof operators)[number],
  place: { at: number; length: number },
  lookup: Lookup,
  unset: (name: string) => void,
): string | undefined {
  const split = inside.indexOf(operator);
  if (split < 0) return undefined;
  const name = inside.slice(0, split);
  const word = shifted(inside.slice(split + operator.length), place.at + 2 + split + operator.length, lookup, unset);
  const value = lookup(name);
  const counts = value !== undefined && (!operator.startsWith(":") || value !== "");
  switch (operator) {
    case ":-":
    case "-":
      return counts ? value : word;
    case ":+":
    case "+":
      return counts ? word : (value ?? "");
    case ":?":
    case "?":
      if (counts) return value;
      throw new TemplateError(
        "missing",
        `the variable ${name} must ${operator === "?" ? "be set" : "have a value"}${word ? `: ${word}` : ""}`,
        place.at,
        place.length,
      );
    default:
      return operator satisfies never;
  }
}

/** Interpolates a part of a text; an error's offset is that in the whole. */
function shifted(text: string, by: number, lookup: Lookup, unset: (name: string) => void): string {
  try {
    return substitute(text, lookup, unset);
  } catch (error) {
    if (error instanceof TemplateError) throw new TemplateError(error.kind, error.message, error.at + by, error.length);
    throw error;
  }
}

function closingBrace(text: string): number {
  let open = 0;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === "}") {
      open--;
      if (open === 0) return index;
    }
    if (text[index] === "{") {
      open++;
      index++;
    }
  }
  return -1;
}

function shortened(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}

/** A variable that a text refers to (`berth config --variables`). */
export interface Variable {
  readonly name: string;
  readonly required: boolean;
  readonly defaultValue: string;
  readonly presenceValue: string;
}

/** The variables of a text, those in defaults and alternatives too. */
export function variablesOf(text: string): Variable[] {
  const found: Variable[] = [];
  for (const match of text.matchAll(new RegExp(expression.source, "gi"))) {
    const [whole, escaped, named] = match;
    if (escaped) continue;
    const close = closingBrace(whole);
    if (named === undefined && close < 0) continue;
    const inside = named ?? whole.slice(2, close);
    if (named === undefined) found.push(...variablesOf(whole.slice(close + 1)));
    const [, name = "", operator = "", word = ""] = /^([_a-z0-9]*)(:?[-+?])?([\s\S]*)$/i.exec(inside) ?? [];
    const defaultValue = operator.endsWith("-") ? word : "";
    const presenceValue = operator.endsWith("+") ? word : "";
    found.push({ name, required: operator.endsWith("?"), defaultValue, presenceValue });
    found.push(...variablesOf(defaultValue), ...variablesOf(presenceValue));
  }
  return found;
}
