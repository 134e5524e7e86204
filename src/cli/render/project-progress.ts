import type { ProjectEvent, StepEvent } from "../../api/index.ts";
import { formatPlace } from "../../system/error.ts";
import type { Output } from "../context.ts";
import { buildLines, buildWarningLines, failedBuildLines } from "./build-lines.ts";
import { PlainBuild } from "./build-plain.ts";
import type { ProgressStyle } from "./build-progress.ts";
import { BuildState } from "./build-state.ts";
import { paint } from "./paint.ts";
import { printable } from "./printable.ts";
import { Screen } from "./screen.ts";
import { capital, plainStep, StepBoard } from "./step-board.ts";

/**
 * Shows what is told while a project changes, on one stream: on a terminal the builds' steps and one line for each resource, rewritten in
 * place; elsewhere a line for each change; or JSON lines; or nothing but warnings. `print` writes between, whatever the style.
 */
export class ProjectProgress {
  readonly #out: Output;
  readonly #style: ProgressStyle;
  readonly #paint: ReturnType<typeof paint>;
  readonly #title: string;
  readonly #screen: Screen;
  readonly #steps = new StepBoard();
  readonly #builds = new BuildState();
  readonly #plain = new PlainBuild(this.#builds);
  readonly #said = new Map<string, string>();
  readonly #warned = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(o: {
    readonly out: Output;
    readonly style: ProgressStyle;
    readonly color: boolean;
    readonly title?: string;
    /** Where several share one terminal. */
    readonly screen?: Screen;
  }) {
    this.#out = o.out;
    this.#style = o.style;
    this.#paint = paint(o.color);
    this.#title = o.title ?? "Running";
    this.#screen = o.screen ?? new Screen(o.out);
  }

  event(event: ProjectEvent): void {
    switch (event.type) {
      case "step":
        this.#step(event);
        break;
      case "build":
        if (this.#style === "json") this.#line(JSON.stringify(event));
        if (this.#style === "plain") for (const line of this.#plain.lines(event.event, event.service)) this.#line(line);
        else this.#builds.apply(event.event, event.service);
        this.#redrawSoon();
        break;
      case "warning":
        this.warn(event.place ? `${formatPlace(event.place)}: ${event.message}` : event.message);
        break;
      case "plan":
      case "watch":
      case "result":
        break;
      default:
        event satisfies never;
    }
  }

  /** A warning is said once, in every style. */
  warn(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    if (this.#style === "json") this.#line(JSON.stringify({ level: "warning", text: message }));
    else this.print(() => this.#out.write(`${this.#paint.yellow("warning:")} ${printable(message)}\n`));
  }

  /** Runs something that writes whole lines to the terminal, which stay above the live ones. */
  print(write: () => void): void {
    if (this.#style === "tty") this.#screen.above(write);
    else write();
  }

  /** The last picture stays, unless `clear`; the output of a failed build step and the builds' warnings follow it. */
  end({ clear = false }: { clear?: boolean } = {}): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#style === "tty") {
      this.#screen.settle(clear ? [] : this.#lines(Number.POSITIVE_INFINITY, true));
    }
    if (this.#style === "json") return;
    if (this.#style !== "plain") for (const line of failedBuildLines(this.#builds)) this.#line(line);
    if (this.#style !== "quiet")
      for (const line of buildWarningLines(this.#builds)) this.#line(`${this.#paint.yellow("warning:")} ${line}`);
  }

  #step(event: StepEvent): void {
    const text = plainStep(event);
    // Progress in numbers is for terminals; lines tell each state once.
    const word = `${event.status}${event.error ? event.error.message : ""}`;
    if (this.#style === "json") this.#line(JSON.stringify(jsonStep(event)));
    else if (this.#style === "plain" && this.#said.get(event.id) !== word) this.#line(printable(text));
    this.#said.set(event.id, word);
    this.#steps.apply({ ...event, ...(event.detail === undefined ? {} : { detail: printable(event.detail) }) });
    this.#redrawSoon();
  }

  #line(text: string): void {
    this.#out.write(`${text}\n`);
  }

  #redrawSoon(): void {
    if (this.#style !== "tty") return;
    this.#timer ??= setInterval(() => this.#screen.setBottom(this.#lines(this.#screen.height, false)), 100);
  }

  #lines(height: number, finished: boolean): string[] {
    const view = { nowMs: Date.now(), width: this.#screen.columns, paint: this.#paint };
    const stepHeight = this.#builds.running ? Math.max(3, Math.floor(height / 3)) : height;
    const steps = this.#steps.lines({ ...view, title: this.#title, height: stepHeight });
    return [...buildLines(this.#builds, { ...view, height: Math.max(1, height - steps.length), finished }), ...steps];
  }
}

/** Under the names that `docker compose --progress json` uses. */
function jsonStep(event: StepEvent): Record<string, unknown> {
  const text = event.error?.message ?? event.detail;
  return { id: event.id, ...(text ? { text } : {}), status: event.error ? "Error" : capital(event.status) };
}
