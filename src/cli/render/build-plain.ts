import type { BuildEvent } from "../../api/index.ts";
import type { BuildState, BuildStep } from "./build-state.ts";
import { seconds } from "./paint.ts";
import { printable } from "./printable.ts";

/**
 * Build progress where there is no terminal, as BuildKit's plain mode writes it: "#3 [2/4] RUN make", "#3 0.212 output", "#3 DONE 0.4s".
 * Steps that run at the same time take turns by whole lines; a head names the step again when the turn changes.
 */
export class PlainBuild {
  readonly #state: BuildState;
  readonly #announced = new Set<string>();
  readonly #pending = new Map<string, string>();
  #last: string | undefined;

  constructor(state: BuildState) {
    this.#state = state;
  }

  /** The lines of one event. */
  lines(event: BuildEvent, build = ""): string[] {
    const step = this.#state.apply(event, build);
    if (!step || step.number === 0) return [];
    const tag = `#${step.number}`;
    if (event.type === "log") return this.#turn(step, this.#output(step, event.text, event.timeMs));
    if (event.type === "progress" && event.done) return this.#turn(step, [`${tag} ${printable(event.id)} done`]);
    if (event.type !== "vertex") return [];
    const head = this.#turn(step, []);
    if (event.completedMs === undefined) return head;
    const rest = this.#output(step, "", event.completedMs, true);
    const end =
      step.error !== undefined
        ? `${tag} ERROR: ${printable(step.error)}`
        : step.cached
          ? `${tag} CACHED`
          : `${tag} DONE ${seconds(event.completedMs - (step.startedMs ?? event.completedMs))}`;
    this.#last = undefined;
    return [...head, ...rest, end, ""];
  }

  #turn(step: BuildStep, lines: string[]): string[] {
    const isNew = !this.#announced.has(step.key);
    if (!isNew && (this.#last === step.key || lines.length === 0)) return lines;
    const gap = this.#last === undefined || this.#last === step.key ? [] : [""];
    this.#announced.add(step.key);
    this.#last = step.key;
    return [...gap, `#${step.number} ${isNew ? printable(step.name) : "..."}`, ...lines];
  }

  #output(step: BuildStep, text: string, timeMs: number, end = false): string[] {
    const parts = ((this.#pending.get(step.key) ?? "") + text).split("\n");
    const rest = end ? "" : (parts.pop() ?? "");
    this.#pending.set(step.key, rest);
    const since = ((timeMs - (step.startedMs ?? timeMs)) / 1000).toFixed(3);
    return parts
      .filter((line, index) => line !== "" || index < parts.length - 1 || !end)
      .map((line) => `#${step.number} ${since} ${printable(line.replace(/\r$/, "").replace(/^.*\r/, ""))}`);
  }
}
