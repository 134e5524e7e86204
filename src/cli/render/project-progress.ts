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
import { plainStep, StepBoard } from "./step-board.ts";

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

  constructor(o: { readonly out: Output; readonly style: ProgressStyle; readonly color: boolean; readonly title?: string }) {
    this.#out = o.out;
    this.#style = o.style;
    this.#paint = paint(o.color);
    this.#title = o.title ?? "Running";
    this.#screen = new Screen(o.out);
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
      if (clear) this.#screen.setBottom([]);
      else this.#draw(true);
      this.#screen.release();
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
    this.#timer ??= setInterval(() => this.#draw(false), 100);
  }

  #draw(finished: boolean): void {
    const { columns: width, rows } = this.#screen;
    const nowMs = Date.now();
    const stepLines = (height: number) => this.#steps.lines({ title: this.#title, nowMs, width, height, paint: this.#paint });
    const all = rows - 1;
    const building = this.#builds.steps.length > 0;
    const steps = stepLines(building && this.#builds.running ? Math.max(3, Math.floor(all / 3)) : all);
    const builds = buildLines(this.#builds, { nowMs, width, height: Math.max(1, all - steps.length), paint: this.#paint, finished });
    this.#screen.setBottom([...builds, ...steps]);
  }
}

/** Under the names that `docker compose --progress json` uses. */
function jsonStep(event: StepEvent): Record<string, unknown> {
  const status = event.error ? "Error" : event.done ? "Done" : "Working";
  return {
    id: event.id,
    status,
    text: event.status.slice(0, 1).toUpperCase() + event.status.slice(1),
    ...(event.detail ? { details: event.detail } : {}),
    ...(event.error ? { error: event.error.message } : {}),
  };
}
