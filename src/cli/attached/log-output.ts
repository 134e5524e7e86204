import { write } from "../client/index.ts";
import type { Output } from "../context.ts";
import { LogPrefixes } from "../render/log-lines.ts";
import type { Screen } from "../render/screen.ts";

/** The interleaved output of an attached project on stdout, above whatever lives at the terminal's bottom. */
export class LogOutput {
  readonly #out: Output;
  readonly #screen: Screen | undefined;
  readonly #prefixes: LogPrefixes;
  readonly #withPrefix: boolean;

  constructor(o: {
    readonly out: Output;
    /** Where the terminal has live lines. */
    readonly screen: Screen | undefined;
    readonly names: readonly string[];
    readonly color: boolean;
    readonly withPrefix: boolean;
  }) {
    this.#out = o.out;
    this.#screen = o.screen;
    this.#prefixes = new LogPrefixes(o.names, o.color);
    this.#withPrefix = o.withPrefix;
  }

  /** One line of a container; waits where the reader is slow. */
  line(name: string, text: string): Promise<void> {
    this.#prefixes.add(name);
    return this.say(this.#withPrefix ? this.#prefixes.prefix(name) + text : text);
  }

  /** A line of ours. */
  async say(text: string): Promise<void> {
    if (!this.#screen) return write(this.#out, `${text}\n`);
    let written: Promise<void> | undefined;
    this.#screen.above(() => {
      written = write(this.#out, `${text}\n`);
    });
    await written;
  }
}
