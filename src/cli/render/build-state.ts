import type { BuildEvent } from "../../api/index.ts";

export interface BuildStep {
  readonly key: string;
  /** In the order in which they were started, from 1: "#3" in plain output. 0: not started. */
  number: number;
  readonly name: string;
  startedMs?: number;
  completedMs?: number;
  cached: boolean;
  error?: string;
  /** The last lines of its output. */
  readonly tail: string[];
  readonly transfers: Map<string, { current: number; total: number; done: boolean }>;
}

const tailLength = 200;

/** The steps of one or several builds, in the order in which they were told of. */
export class BuildState {
  readonly #steps = new Map<string, BuildStep>();
  readonly warnings: { message: string; rule?: string; place?: string }[] = [];
  startedMs: number | undefined;
  #started = 0;

  get steps(): readonly BuildStep[] {
    return [...this.#steps.values()];
  }

  get completed(): readonly BuildStep[] {
    return this.steps.filter((step) => step.completedMs !== undefined && step.error === undefined);
  }

  get running(): boolean {
    return this.steps.some((step) => step.startedMs !== undefined && step.completedMs === undefined);
  }

  /** Takes an event in; answers the step that it is about. `build` tells several builds apart: its name goes into the steps' names. */
  apply(event: BuildEvent, build = ""): BuildStep | undefined {
    if (event.type === "warning") {
      const place = event.place && "file" in event.place ? [event.place.file, event.place.line].filter(Boolean).join(":") : undefined;
      this.warnings.push({ message: event.message, ...(event.rule ? { rule: event.rule } : {}), ...(place ? { place } : {}) });
      return undefined;
    }
    const key = `${build} ${event.type === "vertex" ? event.id : event.vertex}`;
    if (event.type !== "vertex") {
      const step = this.#steps.get(key);
      if (step && event.type === "progress") step.transfers.set(event.id, { current: event.current, total: event.total, done: event.done });
      if (step && event.type === "log") append(step.tail, event.text);
      return step;
    }
    const known = this.#steps.get(key);
    const step: BuildStep = known ?? {
      key,
      number: 0,
      name: nameIn(event.name, build),
      cached: false,
      tail: [],
      transfers: new Map(),
    };
    if (!known) this.#steps.set(key, step);
    if (event.startedMs !== undefined) {
      step.startedMs ??= event.startedMs;
      this.startedMs = Math.min(this.startedMs ?? event.startedMs, event.startedMs);
      if (step.number === 0) step.number = ++this.#started;
    }
    if (event.completedMs !== undefined) step.completedMs = event.completedMs;
    if (event.cached) step.cached = true;
    if (event.error !== undefined) step.error = event.error;
    return step;
  }
}

/** "[2/3] RUN make" of the service web is "[web 2/3] RUN make". */
function nameIn(name: string, build: string): string {
  if (!build) return name;
  return name.startsWith("[") ? `[${build} ${name.slice(1)}` : `[${build}] ${name}`;
}

/** Lines as a terminal would have them: what comes after a carriage return stands in place of what was before it. */
function append(tail: string[], text: string): void {
  const lines = ((tail.pop() ?? "") + text).split("\n").map((line) => line.replace(/\r$/, "").replace(/^.*\r/, ""));
  tail.push(...lines);
  if (tail.length > tailLength) tail.splice(0, tail.length - tailLength);
}

/** The step's last lines of output, without the empty rest of the last one. */
export function lastLines(step: BuildStep, count: number): string[] {
  const lines = step.tail.at(-1) === "" ? step.tail.slice(0, -1) : step.tail;
  return lines.slice(-count);
}

/** "12.3MB / 45MB" of all that a step transfers, or undefined. */
export function transferText(step: BuildStep): string | undefined {
  const all = [...step.transfers.values()];
  if (all.length === 0) return undefined;
  const sum = (of: (one: (typeof all)[number]) => number) => all.reduce((total, one) => total + of(one), 0);
  const total = sum((one) => one.total);
  const current = sum((one) => one.current);
  return total > 0 ? `${bytes(current)} / ${bytes(total)}` : bytes(current);
}

/** Decimal units, as Docker's clients write sizes (go-units HumanSize). */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(4))}${units[unit]}`;
}
