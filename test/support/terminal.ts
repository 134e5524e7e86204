import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Berth } from "./berth.ts";
import { checkout } from "./berth.ts";
import { until } from "./until.ts";

/** A real terminal (tmux's) with one `berth` command in it. */
export class Terminal {
  readonly #directory = mkdtempSync(join(tmpdir(), "berth-tmux-"));

  /** Starts the command; `size` is columns and rows. */
  constructor(berth: Berth, cwd: string, args: readonly string[], size: readonly [number, number] = [100, 40]) {
    const env = Object.entries({ ...berth.env, NO_COLOR: "", TERM: "xterm-256color" }).map(([name, value]) => `${name}=${quoted(value)}`);
    const command = `cd ${quoted(cwd)} && env ${env.join(" ")} ${[join(checkout, "bin/berth"), ...args].map(quoted).join(" ")}`;
    // What comes after the command stays on the screen, and says how it ended.
    this.#tmux("new-session", "-d", "-x", String(size[0]), "-y", String(size[1]), `${command}; echo "exit code $?"; exec cat`);
  }

  /** What is to be seen, without empty lines at the end; `colors` keeps the colours' sequences, `history` adds what has scrolled away. */
  screen({ colors = false, history = false } = {}): string {
    return this.#tmux("capture-pane", "-p", "-J", ...(colors ? ["-e"] : []), ...(history ? ["-S", "-"] : [])).trimEnd();
  }

  /** tmux's names: "C-c", "d", "Enter". */
  keys(...names: string[]): void {
    this.#tmux("send-keys", ...names);
  }

  type(text: string): void {
    this.#tmux("send-keys", "-l", text);
  }

  /** Waits until the text (or pattern) is to be seen; answers the screen. */
  shows(text: string | RegExp, timeoutMs = 30_000): Promise<string> {
    const seen = () => {
      const screen = this.screen();
      return (typeof text === "string" ? screen.includes(text) : text.test(screen)) ? screen : undefined;
    };
    return until(seen, { timeoutMs, what: `${text} on the terminal` }).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : error}\n${this.screen()}`);
    }) as Promise<string>; // until answers only what is true
  }

  /** The command's exit code, once it has ended. */
  async exitCode(timeoutMs = 60_000): Promise<number> {
    const screen = await this.shows(/exit code \d+/, timeoutMs);
    return Number(/exit code (\d+)/.exec(screen)?.[1]);
  }

  [Symbol.dispose](): void {
    try {
      this.#tmux("kill-server");
    } finally {
      rmSync(this.#directory, { recursive: true, force: true });
    }
  }

  #tmux(...args: string[]): string {
    return execFileSync("tmux", ["-S", join(this.#directory, "socket"), "-f", "/dev/null", ...args], { encoding: "utf8" });
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
