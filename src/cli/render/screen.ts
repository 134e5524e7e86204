import type { Output } from "../context.ts";

/**
 * A terminal with lines at its bottom that are rewritten in place, while other text goes on above them. Nothing else may write to the
 * terminal meanwhile. The cursor is hidden only while it draws, so that nothing has to be mended when the process ends.
 */
export class Screen {
  readonly #out: Output;
  #bottom: readonly string[] = [];
  #footer: readonly string[] = [];
  #drawn = 0;

  constructor(out: Output) {
    this.#out = out;
  }

  get columns(): number {
    return this.#out.columns || 80;
  }

  /** How many lines the bottom can have. */
  get height(): number {
    return Math.max(1, (this.#out.rows || 24) - 1 - this.#footer.length);
  }

  /** Replaces the bottom lines; they are cut to the terminal's size. */
  setBottom(lines: readonly string[]): void {
    this.#bottom = lines.slice(0, this.height);
    this.#draw();
  }

  /** Lines below the bottom, that stay there until they are replaced: a status line. */
  setFooter(lines: readonly string[]): void {
    this.#footer = lines;
    this.#draw();
  }

  /** Runs something that writes whole lines to this terminal; they stay, above the bottom. */
  above(write: () => void): void {
    // Line by line: terminals keep a copy of what is cleared at once.
    if (this.#drawn > 0) this.#out.write(`\x1b[${this.#drawn}A\r${"\x1b[K\n".repeat(this.#drawn)}\x1b[${this.#drawn}A`);
    this.#drawn = 0;
    write();
    this.#draw();
  }

  /** These lines, however many, take the place of the bottom and stay; what follows comes below. */
  settle(lines: readonly string[]): void {
    this.#bottom = [];
    if (this.#drawn > 0) this.#out.write(`\x1b[${this.#drawn}A\r`);
    if (lines.length > 0) this.#out.write(lines.map((line) => `${clip(line, this.columns)}\x1b[K\n`).join(""));
    const rest = this.#drawn - lines.length;
    if (rest > 0) this.#out.write(`${"\x1b[K\n".repeat(rest)}\x1b[${rest}A`);
    this.#drawn = 0;
    this.#draw();
  }

  #draw(): void {
    const shown = [...this.#bottom, ...this.#footer].map((line) => clip(line, this.columns));
    if (shown.length === 0 && this.#drawn === 0) return;
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : "";
    this.#out.write(`\x1b[?25l${up}\r${shown.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J\x1b[?25h`);
    this.#drawn = shown.length;
  }
}

const ansi = /\x1b\[[0-9;]*m/y;

/** At most this many visible characters; colours do not count, and end with the text. */
export function clip(text: string, width: number): string {
  let seen = 0;
  let colored = false;
  for (let index = 0; index < text.length; ) {
    ansi.lastIndex = index;
    const code = ansi.exec(text);
    if (code) {
      colored = true;
      index += code[0].length;
      continue;
    }
    if (seen === width) return text.slice(0, index) + (colored ? "\x1b[0m" : "");
    seen += 1;
    index += 1;
  }
  return text;
}

/** `left`, blanks, and `right` at the end of the line. */
export function justify(left: string, right: string, width: number): string {
  const room = width - visibleLength(left) - visibleLength(right);
  if (room >= 1) return left + " ".repeat(room) + right;
  return `${clip(left, Math.max(0, width - visibleLength(right) - 2))}… ${right}`;
}

export function visibleLength(text: string): number {
  return text.replace(/\x1b\[[0-9;]*m/g, "").length;
}
