import { fc, test as property } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { ChangeBatches, type Clock } from "./change-batches.ts";

/** Time that goes on only when the test says so. */
class HandClock implements Clock {
  #now = 0;
  #calls: { at: number; call: () => void }[] = [];
  nowMs(): number {
    return this.#now;
  }
  after(ms: number, call: () => void): () => void {
    const entry = { at: this.#now + ms, call };
    this.#calls.push(entry);
    return () => {
      this.#calls = this.#calls.filter((other) => other !== entry);
    };
  }
  async pass(ms: number): Promise<void> {
    for (const end = this.#now + ms; this.#now < end; ) {
      this.#now++;
      const due = this.#calls.filter((entry) => entry.at <= this.#now);
      this.#calls = this.#calls.filter((entry) => entry.at > this.#now);
      for (const { call } of due) call();
      await Promise.resolve();
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const times = { quietMs: 10, goneQuietMs: 40, longestMs: 100 };

function batches(work: (paths: readonly string[]) => Promise<void> = async () => {}) {
  const clock = new HandClock();
  const done: (readonly string[])[] = [];
  const collected = new ChangeBatches({
    clock,
    times,
    work: (paths) => {
      done.push(paths);
      return work(paths);
    },
  });
  return { clock, done, collected };
}

test("changes that come together are one batch, each path once, where it first came", async () => {
  const { clock, done, collected } = batches();
  for (const path of ["b", "a", "b"]) collected.add(path, "there");
  await clock.pass(9);
  expect(done).toEqual([]);
  await clock.pass(1);
  expect(done).toEqual([["b", "a"]]);
});

test("a path that is gone is waited for longer, because it comes back when an editor saves by rename", async () => {
  const { clock, done, collected } = batches();
  collected.add("a", "gone");
  await clock.pass(20);
  expect(done).toEqual([]);
  collected.add("a", "there");
  await clock.pass(10);
  expect(done).toEqual([["a"]]);
});

test("a stream of changes that never pauses is handed over from time to time", async () => {
  const { clock, done, collected } = batches();
  for (let at = 0; at < 25; at++) {
    collected.add(`f${at}`, "there");
    await clock.pass(5);
  }
  expect(done.length).toBe(1);
  expect(done[0]?.length).toBeGreaterThan(15);
});

test("what comes during the work is exactly one more batch, also when the work fails", async () => {
  let finish = (): void => {};
  const { clock, done, collected } = batches(
    () =>
      new Promise((resolve) => {
        finish = resolve;
      }),
  );
  collected.add("a", "there");
  await clock.pass(10);
  for (const path of ["b", "c", "b"]) {
    collected.add(path, "there");
    await clock.pass(30);
  }
  expect(done).toEqual([["a"]]);
  finish();
  await clock.pass(1);
  expect(done).toEqual([["a"], ["b", "c"]]);
  finish();
  await clock.pass(500);
  expect(done.length).toBe(2);
  expect(collected.isBusy).toBe(false);
});

property.prop([fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.boolean(), fc.nat({ max: 60 })), { maxLength: 20 })])(
  "no change is lost: each path is in a batch that began after it came",
  async (events) => {
    const { clock, done, collected } = batches();
    const lastBatch = new Map<string, number>();
    for (const [path, gone, pause] of events) {
      lastBatch.set(path, done.length);
      collected.add(path, gone ? "gone" : "there");
      await clock.pass(pause);
    }
    await clock.pass(200);
    for (const [path, before] of lastBatch) expect(done.slice(before).flat()).toContain(path);
  },
);
