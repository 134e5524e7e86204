import { BerthError } from "../../system/error.ts";
import { type Lookup, substitute, TemplateError } from "../interpolation/template.ts";
import { placeOf } from "../problems.ts";
import { Source } from "../yaml/source.ts";

/**
 * Reads an environment file into `into`: `KEY=value`, `KEY: value`, `export`, comments, single and double quotes over several lines, escapes and
 * variables in what is not in single quotes; a lone `KEY` takes the value that `lookup` has (compose-go, package dotenv).
 * @throws BerthError spec/env-file, with the place
 */
export function parseDotenv(file: string, content: string, into: Map<string, string>, lookup: Lookup): void {
  new DotenvParser(new Source(file, content.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n")), into, lookup).parse();
}

/** `format: raw`: each line `KEY=value`, taken as it stands. */
export function parseRawEnv(content: string, into: Map<string, string>, lookup: Lookup): void {
  for (const line of content.replace(/^\uFEFF/, "").split(/\r?\n/)) {
    const text = line.trimStart();
    if (!text || text.startsWith("#")) continue;
    const at = text.indexOf("=");
    const name = (at < 0 ? text : text.slice(0, at)).trimEnd();
    const value = at < 0 ? lookup(name) : text.slice(at + 1);
    if (value !== undefined) into.set(name, value);
  }
}

const spaces = /[\t\v\f\r \x85\xa0]/;
const anySpace = /[\s\x85]/;

class DotenvParser {
  readonly #source: Source;
  readonly #into: Map<string, string>;
  readonly #lookup: Lookup;
  #at = 0;

  constructor(source: Source, into: Map<string, string>, lookup: Lookup) {
    this.#source = source;
    this.#into = into;
    this.#lookup = lookup;
  }

  get #text(): string {
    return this.#source.text;
  }

  parse(): void {
    while (this.#skipToStatement()) {
      const start = this.#at;
      const { key, inherited } = this.#key();
      if (key.includes(" ")) throw this.#error(`the name "${key}" has a space in it`, start, key.length);
      if (inherited) {
        const value = this.#lookup(key);
        if (value !== undefined) this.#into.set(key, value);
      } else {
        this.#into.set(key, this.#value());
      }
    }
  }

  #skipToStatement(): boolean {
    for (;;) {
      while (this.#at < this.#text.length && anySpace.test(this.#text.charAt(this.#at))) this.#at++;
      if (this.#at >= this.#text.length) return false;
      if (this.#text[this.#at] !== "#") return true;
      const end = this.#text.indexOf("\n", this.#at);
      if (end < 0) return false;
      this.#at = end;
    }
  }

  #key(): { key: string; inherited: boolean } {
    const exported = /^export\s+/.exec(this.#text.slice(this.#at, this.#at + 200));
    if (exported) {
      this.#at += "export".length;
      this.#skipSpaces();
    }
    const start = this.#at;
    for (let index = start; index < this.#text.length; index++) {
      const char = this.#text.charAt(index);
      if (spaces.test(char)) continue;
      if (char === "=" || char === ":" || char === "\n") {
        this.#at = index + 1;
        this.#skipSpaces();
        return { key: this.#text.slice(start, index).trimEnd(), inherited: char === "\n" };
      }
      if (!/[_.\-[\]\p{L}\p{N}]/u.test(char)) {
        throw this.#error(`unexpected character ${JSON.stringify(char)} in a variable's name`, index, 1);
      }
    }
    // A name at the very end of the file, without a line end: it is no name and no value.
    this.#at = this.#text.length;
    const key = this.#text.slice(start).trimEnd();
    return { key, inherited: true };
  }

  #value(): string {
    const quote = this.#text[this.#at];
    if (quote !== '"' && quote !== "'") return this.#unquoted();
    const start = this.#at;
    let value = "";
    for (let index = start + 1; index < this.#text.length; index++) {
      const char = this.#text.charAt(index);
      if (char === quote) {
        this.#at = index + 1;
        return quote === '"' ? this.#expand(expandEscapes(value), start) : value;
      }
      if (char === "\\" && index + 1 < this.#text.length) {
        const next = this.#text.charAt(++index);
        value += next === quote ? next : `\\${next}`;
      } else {
        value += char;
      }
    }
    const lineEnd = this.#text.indexOf("\n", start);
    throw this.#error("the quoted value has no end", start, (lineEnd < 0 ? this.#text.length : lineEnd) - start);
  }

  #unquoted(): string {
    const start = this.#at;
    const lineEnd = this.#text.indexOf("\n", start);
    const end = lineEnd < 0 ? this.#text.length : lineEnd;
    this.#at = Math.min(this.#text.length, end + 1);
    const line = this.#text.slice(start, end);
    const comment = line.indexOf(" #");
    return this.#expand((comment < 0 ? line : line.slice(0, comment)).trimEnd(), start);
  }

  #expand(value: string, start: number): string {
    try {
      return substitute(value, (name) => this.#lookup(name) ?? this.#into.get(name));
    } catch (error) {
      if (error instanceof TemplateError) throw this.#error(error.message, start + error.at, error.length);
      throw error;
    }
  }

  #skipSpaces(): void {
    while (this.#at < this.#text.length && spaces.test(this.#text.charAt(this.#at))) this.#at++;
  }

  #error(message: string, start: number, length: number): BerthError {
    const place = placeOf({ origin: { source: this.#source, start, end: start + length } });
    return new BerthError("spec/env-file", message, place ? { place } : {});
  }
}

const escapes: Record<string, string> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", '"': '"', "\\": "\\" };

/** The escapes of a double-quoted value; `\$` becomes `$$`, which interpolation makes a dollar. */
function expandEscapes(text: string): string {
  return text.replace(/\\(?:([abcfnrtv$"\\])|0(\d{0,3}))/g, (match, letter: string | undefined, octal: string | undefined) => {
    if (letter === "$") return "$$";
    if (letter !== undefined) return escapes[letter] ?? match;
    return octal?.length === 3 && /^[0-3][0-7]{2}$/.test(octal) ? String.fromCharCode(Number.parseInt(octal, 8)) : match;
  });
}
