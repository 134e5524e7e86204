import { write } from "../client/index.ts";
import type { Output } from "../context.ts";
import { LogPrefixes } from "../render/log-lines.ts";
import type { Screen } from "../render/screen.ts";

const keptLines = 5000;

/** The interleaved output of an attached project, each line on the stream that it was written to, above whatever lives at the terminal's bottom. */
export class LogOutput {
  readonly #out: Output;
  readonly #err: Output;
  readonly #screen: Screen | undefined;
  readonly #prefixes: LogPrefixes;
  readonly #withPrefix: boolean;
  #isShown: (name: string) => boolean = () => true;
  #search: string | undefined;
  /** The last lines of everything, for a search. */
  readonly #kept: { readonly name: string; readonly text: string }[] = [];

  constructor(o: {
    readonly out: Output;
    readonly err: Output;
    /** Where the terminal has live lines. */
    readonly screen: Screen | undefined;
    readonly names: readonly string[];
    readonly color: boolean;
    readonly withPrefix: boolean;
  }) {
    this.#out = o.out;
    this.#err = o.err;
    this.#screen = o.screen;
    this.#prefixes = new LogPrefixes(o.names, o.color);
    this.#withPrefix = o.withPrefix;
  }

  /** One line of a container; waits where the reader is slow. */
  line(name: string, text: string, stream: 1 | 2): Promise<void> {
    this.#prefixes.add(name);
    if (this.#screen) {
      this.#kept.push({ name, text });
      if (this.#kept.length > keptLines) this.#kept.splice(0, keptLines / 10);
    }
    return this.#isShown(name) ? this.#write(stream === 2 ? this.#err : this.#out, this.#formatted(name, text)) : Promise.resolve();
  }

  /** From now on only lines of these names. */
  showOnly(isShown: (name: string) => boolean): void {
    this.#isShown = isShown;
  }

  /** Shows the kept lines with this text again, and marks it in what comes. */
  async search(text: string | undefined): Promise<void> {
    this.#search = text;
    if (text === undefined) return;
    const found = this.#kept.filter((line) => line.text.includes(text));
    await this.say(`--- ${found.length} of the last ${this.#kept.length} lines have "${text}" in them`);
    for (const line of found) await this.say(this.#formatted(line.name, line.text));
    if (found.length > 0) await this.say("---");
  }

  #formatted(name: string, text: string): string {
    const marked = this.#search && this.#screen ? text.replaceAll(this.#search, `\x1b[7m${this.#search}\x1b[27m`) : text;
    return this.#withPrefix ? this.#prefixes.prefix(name) + marked : marked;
  }

  /** A line of ours. */
  say(text: string): Promise<void> {
    return this.#write(this.#out, text);
  }

  /** What is said of the running, which is no output. */
  note(text: string): Promise<void> {
    return this.#write(this.#err, text);
  }

  async #write(to: Output, text: string): Promise<void> {
    if (!this.#screen) return write(to, `${text}\n`);
    let written: Promise<void> | undefined;
    this.#screen.above(() => {
      written = write(to, `${text}\n`);
    });
    await written;
  }
}
