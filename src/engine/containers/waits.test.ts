import { expect, test } from "vitest";
import { ContainerWaits } from "./waits.ts";

const here = new AbortController().signal;

test("a removal is told with the exit code, and ends also the wait for a start", async () => {
  const waits = new ContainerWaits();
  const [removal, start] = [waits.removal("a", here), waits.start("a", here)];
  waits.tellRemoval("a", 7);
  expect(await removal).toBe(7);
  await start;
});

test("a start is told to everybody who waits, once", async () => {
  const waits = new ContainerWaits();
  let told = 0;
  const waiting = [1, 2].map(() => waits.start("a", here).then(() => told++));
  waits.tellStart("b");
  waits.tellStart("a");
  await Promise.all(waiting);
  waits.tellStart("a");
  expect(told).toBe(2);
});

test("nothing stays of one who has gone away", () => {
  const waits = new ContainerWaits();
  const gone = new AbortController();
  for (const wait of [waits.start("a", gone.signal), waits.removal("a", gone.signal)]) expect(wait).toBeInstanceOf(Promise);
  expect(waits.size).toBe(2);
  gone.abort();
  expect(waits.size).toBe(0);
  expect(waits.start("a", gone.signal)).toBeInstanceOf(Promise);
  expect(waits.size).toBe(0);
});
