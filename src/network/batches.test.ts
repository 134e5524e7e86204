import { expect, test } from "vitest";
import { Batches } from "./batches.ts";

function turns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => {});
    return next;
  };
}

test("what is asked for at once is one batch; each caller gets its own results", async () => {
  const seen: number[][] = [];
  const batches = new Batches<number, string>(turns(), async (items) => {
    seen.push([...items]);
    return items.map(String);
  });
  expect(await Promise.all([batches.do([1, 2]), batches.do([]), batches.do([3])])).toEqual([["1", "2"], [], ["3"]]);
  expect(await batches.do([4])).toEqual(["4"]);
  expect(seen).toEqual([[1, 2, 3], [4]]);
});

test("a batch that fails is done again caller by caller", async () => {
  const batches = new Batches<number, number>(turns(), async (items) => {
    if (items.includes(13)) throw new Error("13 is taken");
    return items;
  });
  const [one, bad, two] = await Promise.allSettled([batches.do([1]), batches.do([13]), batches.do([2])]);
  expect(one).toEqual({ status: "fulfilled", value: [1] });
  expect(bad).toMatchObject({ status: "rejected", reason: new Error("13 is taken") });
  expect(two).toEqual({ status: "fulfilled", value: [2] });
});
