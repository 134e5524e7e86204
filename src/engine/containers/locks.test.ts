import { expect, test } from "vitest";
import { ContainerLocks } from "./locks.ts";

test("changes to one container come one after the other, those to others do not wait", async () => {
  const locks = new ContainerLocks();
  const order: string[] = [];
  let letFirstEnd: () => void = () => {};
  const first = locks.with("a", async () => {
    order.push("a1");
    await new Promise<void>((resolve) => (letFirstEnd = resolve));
    order.push("a1 end");
  });
  const second = locks.with("a", () => void order.push("a2"));
  await locks.with("b", () => void order.push("b"));
  letFirstEnd();
  await Promise.all([first, second]);
  expect(order).toEqual(["a1", "b", "a1 end", "a2"]);
});

test("callers that want the same ones in different orders do not block each other", async () => {
  const locks = new ContainerLocks();
  const order: string[] = [];
  const take = async (name: string, ids: string[]) => {
    const release = await locks.take(ids);
    order.push(name);
    await Promise.resolve();
    for (const id of ids) release(id);
  };
  await Promise.all([take("one", ["a", "b"]), take("two", ["b", "a"]), take("three", ["a"])]);
  expect(order).toEqual(["one", "two", "three"]);
});

test("a failure gives the lock back, and the same id twice is one", async () => {
  const locks = new ContainerLocks();
  await expect(locks.with("a", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  const release = await locks.take(["a", "a"]);
  release("a");
  await locks.quiet("a");
  await locks.allQuiet();
});
