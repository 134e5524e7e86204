import { expect, test } from "vitest";
import { type Departure, Departures } from "./departures.ts";

function departures() {
  const taken: { ids: string[]; links: string[] }[] = [];
  let last: Promise<unknown> = Promise.resolve();
  const own = new Departures({
    log: { warn: () => {} },
    turn: (work) => {
      const next = last.then(work, work);
      last = next.catch(() => {});
      return next;
    },
    take: async (departed, links) => void taken.push({ ids: departed.map((one) => one.containerId), links: [...links] }),
  });
  return { own, taken };
}

const departure = (containerId: string, ...places: string[]): Departure => ({
  containerId,
  namespace: `ns-${containerId}`,
  outers: [],
  inners: [],
  places,
  hadPorts: false,
});

test("what has left and the links that go are taken together, once", async () => {
  const { own, taken } = departures();
  own.add(departure("a"));
  own.add(departure("b"));
  own.add(departure("a"));
  own.addLink("br-1");
  expect(own.isOver).toBe(false);
  await own.clear();
  await own.clear();
  expect(taken).toEqual([{ ids: ["a", "b"], links: ["br-1"] }]);
  expect(own.isOver).toBe(true);
});

test("it is in the way of itself and of whoever gets its place", async () => {
  const { own } = departures();
  own.add(departure("a", "net1 10.0.0.2"));
  expect(own.isInTheWay(["a"], [])).toBe(true);
  expect(own.isInTheWay(["b"], ["net1 10.0.0.2"])).toBe(true);
  expect(own.isInTheWay(["b"], ["net2 10.0.0.2", "net1 10.0.0.3"])).toBe(false);
  own.addLink("br-1");
  expect(own.isInTheWay([], [])).toBe(true);
  await own.clear();
  expect(own.isInTheWay(["a"], ["net1 10.0.0.2"])).toBe(false);
});
