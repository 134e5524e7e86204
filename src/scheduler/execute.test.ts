import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { Action, Plan } from "./action.ts";
import { type Effects, execute, type StartAction } from "./execute.ts";

const create = (name: string, after: string[] = []): Action => ({
  kind: "create",
  id: `create ${name}`,
  service: name,
  number: 1,
  because: "",
  after,
});
const start = (name: string, after: string[]): StartAction => ({
  kind: "start",
  id: `start ${name}`,
  service: name,
  number: 1,
  because: "",
  after,
});
const planOf = (...actions: Action[]): Plan => ({ actions, warnings: [] });

/** Writes down what is done; each action takes a turn of the event loop, or fails. */
class Recorder implements Effects {
  readonly log: string[] = [];
  readonly batches: string[][] = [];
  running = 0;
  most = 0;
  readonly #fails: ReadonlySet<string>;
  readonly #onBegin: (id: string) => void;

  constructor(fails: readonly string[] = [], onBegin: (id: string) => void = () => {}) {
    this.#fails = new Set(fails);
    this.#onBegin = onBegin;
  }

  async perform(action: Action): Promise<void> {
    this.running++;
    this.most = Math.max(this.most, this.running);
    await this.#do(action.id);
    this.running--;
    if (this.#fails.has(action.id)) throw new Error(`${action.id} failed`);
  }

  async startMany(actions: readonly StartAction[], settled: (action: StartAction, error?: unknown) => void): Promise<void> {
    this.batches.push(actions.map(({ id }) => id));
    for (const action of actions) {
      await this.#do(action.id);
      settled(action, this.#fails.has(action.id) ? new Error(`${action.id} failed`) : undefined);
    }
  }

  async #do(id: string): Promise<void> {
    this.#onBegin(id);
    this.log.push(`begin ${id}`);
    await new Promise((resolve) => setImmediate(resolve));
    this.log.push(`end ${id}`);
  }
}

const never = new AbortController().signal;

describe("the execution of a plan", () => {
  it("starts what can start together as one batch, when all has been made", async () => {
    const effects = new Recorder();
    const names = ["a", "b", "c", "d", "e"];
    const outcome = await execute(
      planOf(...names.map((name) => create(name)), ...names.map((name) => start(name, [`create ${name}`]))),
      effects,
      {
        signal: never,
        concurrency: 2,
      },
    );
    expect(effects.batches).toEqual([names.map((name) => `start ${name}`)]);
    expect(effects.most).toBe(2);
    expect(outcome).toMatchObject({ failed: [], skipped: [] });
  });

  it("begins with a dependent as soon as its own dependency of a batch runs", async () => {
    const effects = new Recorder();
    await execute(planOf(start("a", []), start("b", []), start("c", ["start a"])), effects, { signal: never, concurrency: 2 });
    expect(effects.batches).toEqual([["start a", "start b"], ["start c"]]);
    expect(effects.log.indexOf("begin start c")).toBeLessThan(effects.log.indexOf("end start b"));
  });

  it("finishes what has begun after a failure, and begins nothing else", async () => {
    const effects = new Recorder(["create a"]);
    const outcome = await execute(planOf(create("a"), create("b"), create("c"), start("a", ["create a"])), effects, {
      signal: never,
      concurrency: 2,
    });
    expect(effects.log).toContain("end create b");
    expect(outcome.failed.map(({ action }) => action.id)).toEqual(["create a"]);
    expect(outcome.skipped.map(({ id }) => id)).toEqual(["create c", "start a"]);
  });

  it("begins nothing after an abort", async () => {
    const abort = new AbortController();
    const effects = new Recorder([], (id) => id === "create a" && abort.abort());
    const outcome = await execute(planOf(create("a"), create("b", ["create a"])), effects, { signal: abort.signal, concurrency: 2 });
    expect(outcome.done.map(({ id }) => id)).toEqual(["create a"]);
    expect(outcome.skipped.map(({ id }) => id)).toEqual(["create b"]);
  });
});

/** Any graph whose edges go back: actions of both kinds, some of which fail. */
const anyPlan = fc
  .array(fc.record({ isStart: fc.boolean(), after: fc.array(fc.nat(20), { maxLength: 3 }), fails: fc.boolean() }), { maxLength: 20 })
  .map((list) => {
    const ids = list.map(({ isStart }, index) => `${isStart ? "start" : "create"} n${index}`);
    const actions = list.map(({ isStart, after }, index) => {
      const earlier = [...new Set(after.filter((one) => one < index).map((one) => ids[one]!))];
      return isStart ? start(`n${index}`, earlier) : create(`n${index}`, earlier);
    });
    return { plan: planOf(...actions), fails: ids.filter((_, index) => list[index]?.fails) };
  });

test.prop([anyPlan, fc.integer({ min: 1, max: 5 }), fc.boolean()], { numRuns: 200 })(
  "does each action once, after those it needs, within its bound; and all of them where none fails",
  async ({ plan, fails }, concurrency, isFailing) => {
    const effects = new Recorder(isFailing ? fails : []);
    const outcome = await execute(plan, effects, { signal: never, concurrency });
    const begun = effects.log.filter((line) => line.startsWith("begin "));
    expect(new Set(begun).size).toBe(begun.length);
    for (const action of plan.actions) {
      const at = effects.log.indexOf(`begin ${action.id}`);
      if (at < 0) continue;
      for (const id of action.after) expect(effects.log.slice(0, at)).toContain(`end ${id}`);
    }
    expect(effects.most).toBeLessThanOrEqual(concurrency);
    const failed = new Set(outcome.failed.map(({ action }) => action.id));
    for (const action of plan.actions) if (action.after.some((id) => failed.has(id))) expect(outcome.skipped).toContain(action);
    expect(outcome.done.length + outcome.failed.length + outcome.skipped.length).toBe(plan.actions.length);
    if (!isFailing) expect(outcome.skipped).toEqual([]);
  },
);
