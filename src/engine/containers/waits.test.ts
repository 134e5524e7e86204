import { expect, test } from "vitest";
import { ContainerWaits } from "./waits.ts";

test("a removal is told with the exit code, and ends also the wait for a start", async () => {
  const waits = new ContainerWaits();
  const [removal, start] = [waits.removal("a"), waits.start("a")];
  waits.tellRemoval("a", 7);
  expect(await removal).toBe(7);
  await start;
});

test("a start is told to everybody who waits, once", async () => {
  const waits = new ContainerWaits();
  let told = 0;
  const waiting = [1, 2].map(() => waits.start("a").then(() => told++));
  waits.tellStart("b");
  waits.tellStart("a");
  await Promise.all(waiting);
  waits.tellStart("a");
  expect(told).toBe(2);
});
