import { plainScalar } from "./plain-scalar.ts";
import type { Source } from "./source.ts";
import { List, Mapping, Scalar, type Tree } from "./tree.ts";

/** Thrown where a text has more of YAML in it than the quick reader knows. */
export class NotPlainEnough extends Error {}

/** What may not stand at the beginning of an unquoted word: anchors, aliases, tags, block scalars, and what is reserved. */
const indicators = new Set([..."&*!|>%@`#,[]{}\"'"]);

/** Reads what stands on one line: words, quoted texts, and lists and mappings in brackets. */
export class InlineReader {
  readonly #source: Source;
  readonly #text: string;
  #at = 0;
  #end = 0;
  #depth = 0;

  constructor(source: Source) {
    this.#source = source;
    this.#text = source.text;
  }

  /** The one value between two offsets of a line. @throws NotPlainEnough */
  value(start: number, end: number): Tree {
    this.#at = start;
    this.#end = end;
    const char = this.#text[start] ?? "";
    if (char !== "[" && char !== "{" && char !== '"' && char !== "'") {
      const stop = this.#endOfPlain(start, end);
      return this.#plain(start, stop);
    }
    const tree = this.#flowValue();
    this.#spaces();
    if (this.#at < this.#end && !(this.#text[this.#at] === "#" && this.#text[this.#at - 1] === " ")) throw new NotPlainEnough();
    return tree;
  }

  /** A key that is followed by a colon; undefined where the line is no entry of a mapping. @throws NotPlainEnough */
  key(start: number, end: number): { key: string; keyEnd: number; valueStart: number } | undefined {
    const first = this.#text[start] ?? "";
    if (first === "[" || first === "{") return undefined;
    if (first === '"' || first === "'") {
      this.#at = start;
      this.#end = end;
      const key = this.#quoted();
      const keyEnd = this.#at;
      return this.#isColon(keyEnd, end) ? { key: String(key.value), keyEnd, valueStart: this.#skip(keyEnd + 1, end) } : undefined;
    }
    for (let at = start; at < end; at++) {
      const char = this.#text[at];
      if (char === "#" && at > start && this.#text[at - 1] === " ") return undefined;
      if (char !== ":" || !this.#isColon(at, end)) continue;
      const word = this.#text.slice(start, at);
      if (indicators.has(first) || /^[-?:]( |$)/.test(word) || word.endsWith(" ") || word === "") throw new NotPlainEnough();
      if (word === "<<" || typeof plainScalar(word).value !== "string" || plainScalar(word).kind) throw new NotPlainEnough();
      return { key: word, keyEnd: at, valueStart: this.#skip(at + 1, end) };
    }
    return undefined;
  }

  #isColon(at: number, end: number): boolean {
    return this.#text[at] === ":" && (at + 1 >= end || this.#text[at + 1] === " ");
  }

  #skip(at: number, end: number): number {
    let next = at;
    while (next < end && this.#text[next] === " ") next++;
    return next;
  }

  /** Where an unquoted word ends: before its comment, without trailing spaces. */
  #endOfPlain(start: number, end: number): number {
    let stop = end;
    for (let at = start; at < end; at++) {
      const char = this.#text[at];
      if (char === "#" && this.#text[at - 1] === " ") {
        stop = at;
        break;
      }
      if (char === ":" && this.#isColon(at, end)) throw new NotPlainEnough();
    }
    while (stop > start && this.#text[stop - 1] === " ") stop--;
    return stop;
  }

  #plain(start: number, end: number): Scalar {
    const word = this.#text.slice(start, end);
    if (indicators.has(word[0] ?? "#") || /^[-?:]( |$)/.test(word)) throw new NotPlainEnough();
    const { value, ...detail } = plainScalar(word);
    return new Scalar(value, { source: this.#source, start, end }, detail);
  }

  #flowValue(): Tree {
    const char = this.#text[this.#at];
    if (char === "[" || char === "{") {
      if (++this.#depth > 50) throw new NotPlainEnough();
      const tree = char === "[" ? this.#flowList() : this.#flowMapping();
      this.#depth--;
      return tree;
    }
    if (char === '"' || char === "'") return this.#quoted();
    const start = this.#at;
    while (this.#at < this.#end) {
      const next = this.#text[this.#at] ?? "";
      if (next === "," || next === "]" || next === "}" || next === "[" || next === "{") break;
      if (next === "#" && this.#text[this.#at - 1] === " ") throw new NotPlainEnough();
      if (next === ":" && /^[ ,[\]{}]?$/.test(this.#text.slice(this.#at + 1, Math.min(this.#at + 2, this.#end)))) break;
      this.#at++;
    }
    let end = this.#at;
    while (end > start && this.#text[end - 1] === " ") end--;
    if (end === start) throw new NotPlainEnough();
    return this.#plain(start, end);
  }

  #flowList(): List {
    const start = this.#at++;
    const items: Tree[] = [];
    for (;;) {
      this.#spaces();
      if (this.#text[this.#at] === "]") break;
      items.push(this.#flowValue());
      this.#spaces();
      if (this.#text[this.#at] === ",") this.#at++;
      else if (this.#text[this.#at] !== "]") throw new NotPlainEnough();
      if (this.#at >= this.#end) throw new NotPlainEnough();
    }
    this.#at++;
    return new List(items, { source: this.#source, start, end: this.#at });
  }

  #flowMapping(): Mapping {
    const start = this.#at++;
    const mapping = new Mapping();
    for (;;) {
      this.#spaces();
      if (this.#text[this.#at] === "}") break;
      const quoted = this.#text[this.#at] === '"' || this.#text[this.#at] === "'";
      const key = this.#flowValue();
      if (!(key instanceof Scalar) || typeof key.value !== "string" || key.kind || key.value === "<<" || mapping.has(key.value))
        throw new NotPlainEnough();
      if (this.#text[this.#at] !== ":") throw new NotPlainEnough();
      this.#at++;
      if (!quoted && this.#text[this.#at] !== " ") throw new NotPlainEnough();
      this.#spaces();
      const empty = this.#text[this.#at] === "," || this.#text[this.#at] === "}";
      mapping.set(key.value, empty ? new Scalar(null, key.origin) : this.#flowValue(), key.origin);
      this.#spaces();
      if (this.#text[this.#at] === ",") this.#at++;
      else if (this.#text[this.#at] !== "}") throw new NotPlainEnough();
      if (this.#at >= this.#end) throw new NotPlainEnough();
    }
    this.#at++;
    return new Mapping(mapping.entries, { source: this.#source, start, end: this.#at }, mapping.keys);
  }

  #quoted(): Scalar {
    const start = this.#at;
    const quote = this.#text[start] ?? "";
    let value = "";
    let at = start + 1;
    for (; at < this.#end; at++) {
      const char = this.#text[at] ?? "";
      if (char === "\\" && quote === '"') {
        const meant = escapes[this.#text[++at] ?? ""];
        if (meant === undefined) throw new NotPlainEnough();
        value += meant;
      } else if (char !== quote) {
        value += char;
      } else if (quote === "'" && this.#text[at + 1] === "'") {
        value += char;
        at++;
      } else {
        this.#at = at + 1;
        return new Scalar(value, { source: this.#source, start, end: this.#at });
      }
    }
    throw new NotPlainEnough();
  }

  #spaces(): void {
    while (this.#at < this.#end && this.#text[this.#at] === " ") this.#at++;
  }
}

const escapes: Record<string, string> = { '"': '"', "\\": "\\", n: "\n", t: "\t", "/": "/" };
