import { BerthError } from "../system/index.ts";
import type { Action, Plan } from "./action.ts";

/** One way to do each kind of action. All are idempotent: "already there" and "already gone" are success. */
export interface Effects {
  /** Everything but a start. */
  perform(action: Exclude<Action, { kind: "start" }>): Promise<void>;
  /** Starts these together, so that their networks are set up in one batch; settles each as soon as it runs or could not be started. */
  startMany(actions: readonly StartAction[], settled: (action: StartAction, error?: unknown) => void): Promise<void>;
}

export type StartAction = Extract<Action, { kind: "start" }>;

export interface Outcome {
  readonly done: readonly Action[];
  /** The first one is the reason of all that was not done. */
  readonly failed: readonly { readonly action: Action; readonly error: unknown }[];
  /** Not begun, because of a failure or because the execution was aborted. */
  readonly skipped: readonly Action[];
}

/** Kinds that take a moment: starts wait for those that are on their way, so that a batch is as large as it can be. */
const brief: readonly Action["kind"][] = ["create-network", "create-volume", "create"];

/**
 * Does a plan's actions, each after those that it names, at most `concurrency` at a time (starts and waits aside: what starts together is one batch, and waiting
 * costs nothing). After a failure or an abort what has begun is finished and nothing else is begun.
 */
export function execute(plan: Plan, effects: Effects, o: { signal: AbortSignal; concurrency: number }): Promise<Outcome> {
  return new Execution(plan, effects, o).run();
}

class Execution {
  readonly #effects: Effects;
  readonly #signal: AbortSignal;
  readonly #concurrency: number;
  readonly #todo: Set<Action>;
  readonly #doneIds = new Set<string>();
  readonly #running = new Set<Action>();
  readonly #done: Action[] = [];
  readonly #failed: { action: Action; error: unknown }[] = [];
  #finish: () => void = () => {};

  constructor(plan: Plan, effects: Effects, o: { signal: AbortSignal; concurrency: number }) {
    this.#effects = effects;
    this.#signal = o.signal;
    this.#concurrency = o.concurrency;
    this.#todo = new Set(plan.actions);
  }

  async run(): Promise<Outcome> {
    const over = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    this.#next();
    await over;
    return { done: this.#done, failed: this.#failed, skipped: [...this.#todo] };
  }

  #next(): void {
    const stopped = this.#signal.aborted || this.#failed.length > 0;
    const ready = stopped ? [] : [...this.#todo].filter((action) => action.after.every((id) => this.#doneIds.has(id)));
    for (const action of ready) {
      if (action.kind === "start" || (action.kind !== "wait" && this.#busy() >= this.#concurrency)) continue;
      this.#begin(action);
      this.#effects.perform(action).then(
        () => this.#settle(action),
        (error: unknown) => this.#settle(action, error),
      );
    }
    const starts = ready.filter((action) => action.kind === "start");
    if (starts.length > 0 && ![...this.#running].some((action) => brief.includes(action.kind))) this.#start(starts);
    if (this.#running.size > 0) return;
    if (!stopped && this.#todo.size > 0 && this.#failed.length === 0)
      this.#failed.push({ action: [...this.#todo][0]!, error: new BerthError("system/internal", "a plan's action can never be done") });
    this.#finish();
  }

  /** How many take up the machine: waits do not, and starts have their own bound. */
  #busy(): number {
    return [...this.#running].filter((action) => action.kind !== "wait" && action.kind !== "start").length;
  }

  #start(actions: readonly StartAction[]): void {
    const open = new Set<Action>(actions);
    for (const action of actions) this.#begin(action);
    const settle = (action: StartAction, error?: unknown) => {
      if (open.delete(action)) this.#settle(action, error);
    };
    const settleRest = (error?: unknown) => {
      for (const action of actions) settle(action, error);
    };
    this.#effects.startMany(actions, settle).then(() => settleRest(), settleRest);
  }

  #begin(action: Action): void {
    this.#todo.delete(action);
    this.#running.add(action);
  }

  #settle(action: Action, error?: unknown): void {
    this.#running.delete(action);
    if (error === undefined) {
      this.#done.push(action);
      this.#doneIds.add(action.id);
    } else this.#failed.push({ action, error });
    this.#next();
  }
}
