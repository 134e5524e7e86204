import { substitute } from "./substitution.ts";

/** The value of a variable, or undefined where it is not set. */
export type Lookup = (name: string) => string | undefined;

export class ExpansionError extends Error {}

export interface Expansion {
  /** Quotes removed, variables in place: one string. */
  readonly text: string;
  /** The same as words: unquoted blanks, also those that came out of a variable, separate. */
  readonly words: string[];
  /** Names that were looked up and not set. */
  readonly unset: ReadonlySet<string>;
}

/** Expands one text by the rules of Dockerfile words (frontend/dockerfile/shell of BuildKit). Throws ExpansionError. */
export function expand(text: string, lookup: Lookup, escapeChar = "\\"): Expansion {
  const lexer = new WordLexer(text, lookup, escapeChar, false);
  const result = lexer.until("");
  return { text: result.text, words: result.words, unset: lexer.unset };
}

/** What is shown of an instruction: variables in place, and where `keepQuotes`, quotes and unset variables as written. Never throws. */
export function expandShown(text: string, lookup: Lookup, o: { escapeChar: string; keepQuotes: boolean }): string {
  try {
    return new WordLexer(text, lookup, o.escapeChar, false, o.keepQuotes).until("").text;
  } catch {
    return text; // it is shown as it is written
  }
}

/** Words with quotes, escapes and variables left as written. */
export function rawWords(text: string, escapeChar: string): string[] {
  return new WordLexer(text, () => undefined, escapeChar, true).until("").words;
}

interface Piece {
  text: string;
  words: string[];
}

/** Walks a text once. `raw` keeps every character and only finds the borders of words; `shown` keeps quotes and variables that are not set. */
export class WordLexer {
  readonly unset = new Set<string>();
  readonly chars: readonly string[];
  readonly lookup: Lookup;
  readonly escapeChar: string;
  readonly raw: boolean;
  private readonly shown: boolean;
  at = 0;

  constructor(text: string, lookup: Lookup, escapeChar: string, raw: boolean, shown = false) {
    this.chars = [...text];
    this.lookup = lookup;
    this.escapeChar = escapeChar;
    this.raw = raw;
    this.shown = shown;
  }

  /** Up to an unquoted `stop` (consumed), or the end where `stop` is empty. `keepEscapes` leaves escapes in, for patterns. */
  until(stop: string, keepEscapes = false): Piece {
    let text = "";
    const words: string[] = [];
    let word = "";
    let inWord = false;
    const addQuoted = (part: string) => {
      word += part;
      inWord = true;
    };
    const addPlain = (part: string) => {
      for (const char of part) {
        if (!/\s/.test(char)) addQuoted(char);
        else if (inWord) {
          words.push(word);
          word = "";
          inWord = false;
        }
      }
    };
    while (this.at < this.chars.length) {
      const char = this.chars[this.at]!;
      if (stop && char === stop) {
        this.at++;
        if (inWord) words.push(word);
        return { text, words };
      }
      if (char === "'" || char === '"') {
        const part = char === "'" ? this.singleQuoted() : this.doubleQuoted();
        text += part;
        addQuoted(part);
      } else if (char === "$" && !this.raw) {
        const part = this.variable();
        text += part;
        addPlain(part);
      } else if (char === this.escapeChar) {
        this.at++;
        const next = this.chars[this.at];
        const part = (this.raw || keepEscapes ? char : "") + (next ?? "");
        if (next !== undefined) this.at++;
        else if (!this.raw) continue;
        text += part;
        addQuoted(part);
      } else {
        this.at++;
        text += char;
        addPlain(char);
      }
    }
    if (stop)
      throw new ExpansionError(
        stop === "}" ? "syntax error: missing '}'" : `unexpected end of statement while looking for matching ${stop}`,
      );
    if (inWord) words.push(word);
    return { text, words };
  }

  private singleQuoted(): string {
    const end = this.chars.indexOf("'", this.at + 1);
    if (end < 0) {
      if (this.raw) return this.rest();
      throw new ExpansionError("unexpected end of statement while looking for matching single-quote");
    }
    const quotes = this.raw || this.shown;
    const text = this.chars.slice(quotes ? this.at : this.at + 1, quotes ? end + 1 : end).join("");
    this.at = end + 1;
    return text;
  }

  private doubleQuoted(): string {
    const quote = this.raw || this.shown ? '"' : "";
    let text = quote;
    this.at++;
    while (this.at < this.chars.length) {
      const char = this.chars[this.at]!;
      if (char === '"') {
        this.at++;
        return text + quote;
      }
      if (char === "$" && !this.raw) text += this.variable();
      else if (char === this.escapeChar) {
        const next = this.chars[++this.at];
        if (next === undefined) break;
        this.at++;
        text += !this.raw && (next === '"' || next === "$" || next === this.escapeChar) ? next : char + next;
      } else {
        this.at++;
        text += char;
      }
    }
    if (this.raw) return text;
    throw new ExpansionError("unexpected end of statement while looking for matching double-quote");
  }

  /** At a `$`. */
  private variable(): string {
    this.at++;
    if (this.chars[this.at] !== "{") {
      const name = this.name();
      return name === "" ? "$" : this.plain(name, `$${name}`);
    }
    this.at++;
    return substitute(this);
  }

  /** A variable's name at the cursor: letters, digits and `_`, a number, or one special character. */
  name(): string {
    const rest = this.chars.slice(this.at, this.at + 1)[0] ?? "";
    if (/[0-9]/.test(rest)) return this.takeWhile(/[0-9]/);
    if (/[@*#?\-$!]/.test(rest)) {
      this.at++;
      return rest;
    }
    return this.takeWhile(/[A-Za-z0-9_]/);
  }

  /** A variable without a modifier. */
  plain(name: string, written: string): string {
    return this.value(name) ?? (this.shown ? written : "");
  }

  value(name: string): string | undefined {
    const value = this.lookup(name);
    if (value === undefined) this.unset.add(name);
    return value;
  }

  error(message: string): Error {
    return new ExpansionError(message);
  }

  private takeWhile(accepted: RegExp): string {
    let text = "";
    while (this.at < this.chars.length && accepted.test(this.chars[this.at]!)) text += this.chars[this.at++];
    return text;
  }

  private rest(): string {
    const text = this.chars.slice(this.at).join("");
    this.at = this.chars.length;
    return text;
  }
}
