import { StringDecoder } from "node:string_decoder";

/** Compose's order of colours (internal/formatter colors.go), then the intense ones. */
const palette = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

/** "web-1  | " per container: aligned to the longest name, one colour for each. */
export class LogPrefixes {
  readonly #names = new Map<string, number>();
  readonly #color: boolean;
  #width = 0;

  constructor(names: readonly string[], color: boolean) {
    this.#color = color;
    for (const name of names) this.add(name);
  }

  /** A container that came later; lines from now on are aligned to it too. */
  add(name: string): void {
    if (this.#names.has(name)) return;
    this.#names.set(name, palette[this.#names.size % palette.length] ?? 36);
    this.#width = Math.max(this.#width, name.length);
  }

  prefix(name: string): string {
    const text = `${name.padEnd(this.#width)}  | `;
    return this.#color ? `\x1b[${this.#names.get(name) ?? 36}m${text}\x1b[0m` : text;
  }
}

/** Cuts chunks of a stream into lines, characters kept whole. A last line without an end comes out of `rest`. */
export class LineCutter {
  readonly #decoder = new StringDecoder("utf8");
  #pending = "";

  cut(chunk: Buffer): string[] {
    const parts = (this.#pending + this.#decoder.write(chunk)).split("\n");
    this.#pending = parts.pop() ?? "";
    return parts.map(withoutReturn);
  }

  rest(): string[] {
    const last = this.#pending + this.#decoder.end();
    this.#pending = "";
    return last ? [withoutReturn(last)] : [];
  }
}

const withoutReturn = (line: string): string => (line.endsWith("\r") ? line.slice(0, -1) : line);
