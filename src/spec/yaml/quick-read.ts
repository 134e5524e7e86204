import { InlineReader, NotPlainEnough } from "./quick-inline.ts";
import type { Origin, Source } from "./source.ts";
import { List, Mapping, Scalar, type Tree } from "./tree.ts";

/**
 * Reads the plain kind of YAML that most project files are written in, several times as fast as the whole language can be read: one document of
 * block mappings and lists, with values that fit on their line. undefined: there is more in it (anchors, tags, block scalars, several documents), or
 * something is wrong with it, and the whole parser has to say what.
 */
export function quickRead(source: Source): { root: Tree } | undefined {
  // Tabs, carriage returns and characters that YAML does not allow.
  if (/[^\n\x20-\x7e\xa0-\u2027\u202a-\ufefe\uff00-\ufffd]/.test(source.text)) return undefined;
  try {
    const lines = contentLines(source.text);
    if (lines.length === 0) return undefined;
    return { root: new BlockReader(source, lines).read() };
  } catch (error) {
    if (error instanceof NotPlainEnough) return undefined;
    throw error;
  }
}

interface Line {
  /** Where its content begins and ends. */
  start: number;
  readonly end: number;
  /** The column of its content, from 0. */
  indent: number;
}

/** The lines that are neither empty nor comments. */
function contentLines(text: string): Line[] {
  const lines: Line[] = [];
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    let start = at;
    while (start < end && text[start] === " ") start++;
    if (start < end && text[start] !== "#") {
      if (start === at && (text.startsWith("---", at) || text.startsWith("...", at) || text[at] === "%")) throw new NotPlainEnough();
      lines.push({ start, end, indent: start - at });
    }
    at = end + 1;
  }
  return lines;
}

class BlockReader {
  readonly #source: Source;
  readonly #text: string;
  readonly #lines: Line[];
  readonly #inline: InlineReader;
  #at = 0;

  constructor(source: Source, lines: Line[]) {
    this.#source = source;
    this.#text = source.text;
    this.#lines = lines;
    this.#inline = new InlineReader(source);
  }

  read(): Tree {
    const root = this.#block();
    if (this.#at < this.#lines.length) throw new NotPlainEnough();
    return root;
  }

  /** A list or a mapping whose first entry is on this line. */
  #block(): Tree {
    const line = this.#lines[this.#at];
    if (!line || line.indent > 200) throw new NotPlainEnough();
    return this.#isItem(line) ? this.#list(line) : this.#mapping(line);
  }

  #mapping({ start, indent }: Line): Mapping {
    const mapping = new Mapping();
    let last = start;
    for (let line = this.#lines[this.#at]; line && line.indent === indent && !this.#isItem(line); line = this.#lines[this.#at]) {
      const entry = this.#inline.key(line.start, line.end);
      if (!entry || mapping.has(entry.key)) throw new NotPlainEnough();
      const origin: Origin = { source: this.#source, start: line.start, end: entry.keyEnd };
      this.#at++;
      mapping.set(entry.key, this.#value(entry.valueStart, line, indent, origin), origin);
      last = line.end;
    }
    this.#mustNotGoDeeper(indent);
    return new Mapping(mapping.entries, { source: this.#source, start, end: last }, mapping.keys);
  }

  #list({ start, indent }: Line): List {
    const items: Tree[] = [];
    let last = start;
    for (let line = this.#lines[this.#at]; line && line.indent === indent && this.#isItem(line); line = this.#lines[this.#at]) {
      last = line.end;
      let content = line.start + 1;
      while (content < line.end && this.#text[content] === " ") content++;
      const dash: Origin = { source: this.#source, start: line.start, end: line.start + 1 };
      if (this.#isEmpty(content, line) || !this.#opensBlock(content, line)) {
        this.#at++;
        items.push(this.#value(content, line, indent, dash, true));
        continue;
      }
      // `- key: value` and `- - item`: a block whose first line is the rest of this one.
      line.indent += content - line.start;
      line.start = content;
      items.push(this.#block());
    }
    this.#mustNotGoDeeper(indent);
    return new List(items, { source: this.#source, start, end: last });
  }

  /** What follows a key or a dash: on its line, or as a block on the next ones, or nothing. */
  #value(start: number, line: Line, indent: number, origin: Origin, ofItem = false): Tree {
    const next = this.#lines[this.#at];
    if (!this.#isEmpty(start, line)) {
      if (next && next.indent > indent) throw new NotPlainEnough(); // it goes on
      return this.#inline.value(start, line.end);
    }
    if (next && (next.indent > indent || (!ofItem && next.indent === indent && this.#isItem(next)))) return this.#block();
    return new Scalar(null, origin);
  }

  #isEmpty(start: number, line: Line): boolean {
    return start >= line.end || (this.#text[start] === "#" && this.#text[start - 1] === " ");
  }

  #isItem({ start, end }: Line): boolean {
    return this.#text[start] === "-" && (start + 1 === end || this.#text[start + 1] === " ");
  }

  #opensBlock(content: number, line: Line): boolean {
    return this.#isItem({ ...line, start: content }) || this.#inline.key(content, line.end) !== undefined;
  }

  /** A line that is indented further than its neighbours belongs to nothing. */
  #mustNotGoDeeper(indent: number): void {
    const line = this.#lines[this.#at];
    if (line && line.indent > indent) throw new NotPlainEnough();
  }
}
