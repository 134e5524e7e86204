import type { BuildEvent } from "../../api/index.ts";
import type { Output } from "../context.ts";
import { buildLines, buildWarningLines, failedBuildLines } from "./build-lines.ts";
import { PlainBuild } from "./build-plain.ts";
import { BuildState } from "./build-state.ts";
import { paint } from "./paint.ts";
import { Screen } from "./screen.ts";

/** How progress is shown, once "auto" is decided. */
export type ProgressStyle = "tty" | "plain" | "json" | "quiet";

/** What --progress means on this stream: a terminal gets live lines, everything else plain ones. */
export function progressStyle(
  asked: "auto" | ProgressStyle | "rawjson" | undefined,
  out: Output,
  ansi: "auto" | "always" | "never" = "auto",
): ProgressStyle {
  if (asked === "rawjson") return "json";
  if (asked !== undefined && asked !== "auto") return asked;
  return out.isTTY === true && ansi !== "never" ? "tty" : "plain";
}

/**
 * Shows builds of one command on one stream: live folded steps with times, CACHED and the tail of the output on a terminal, BuildKit's plain
 * lines elsewhere, the events themselves as JSON lines, or nothing. Call `end` always: it stops the redrawing.
 */
export class BuildProgress {
  readonly #state = new BuildState();
  readonly #plain = new PlainBuild(this.#state);
  readonly #out: Output;
  readonly #style: ProgressStyle;
  readonly #paint: ReturnType<typeof paint>;
  readonly #screen: Screen;
  #timer: NodeJS.Timeout | undefined;

  constructor(o: { readonly out: Output; readonly style: ProgressStyle; readonly color: boolean }) {
    this.#out = o.out;
    this.#style = o.style;
    this.#paint = paint(o.color);
    this.#screen = new Screen(o.out);
  }

  /** `build` names the one of several builds that the event is about. */
  event(event: BuildEvent, build = ""): void {
    if (this.#style === "json") this.#out.write(`${JSON.stringify(build ? { build, ...event } : event)}\n`);
    if (this.#style === "plain") for (const line of this.#plain.lines(event, build)) this.#out.write(`${line}\n`);
    else this.#state.apply(event, build);
    if (this.#style === "tty") this.#timer ??= setInterval(() => this.#screen.setBottom(this.#lines(this.#screen.height, false)), 100);
  }

  /** The last picture stays; a failed step's output and the warnings follow it. */
  end(): void {
    clearInterval(this.#timer);
    if (this.#style === "tty") this.#screen.settle(this.#lines(Number.POSITIVE_INFINITY, true));
    if (this.#style === "json") return;
    const lines = [
      ...(this.#style === "quiet" || this.#style === "tty" ? failedBuildLines(this.#state) : []),
      ...(this.#style === "quiet" ? [] : warningBlock(buildWarningLines(this.#state))),
    ];
    for (const line of lines) this.#out.write(`${line}\n`);
  }

  #lines(height: number, finished: boolean): string[] {
    return buildLines(this.#state, { nowMs: Date.now(), width: this.#screen.columns, height, paint: this.#paint, finished });
  }
}

function warningBlock(lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return ["", ` ${lines.length} warning${lines.length === 1 ? "" : "s"} found:`, ...lines.map((line) => ` - ${line}`)];
}
