import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { EventBus } from "./event-bus.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_700_000_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

it("stamps events by the machine's clock, each later than the one before, also after a sleep and when the clock is set back", () => {
  const bus = new EventBus();
  const seconds = () => (bus.subscribe(() => {}).past.at(-1)?.timeNano ?? 0) / 1e9;
  bus.emit("container", "create", "a", {});
  const first = seconds();
  expect(first).toBe(1_700_000_000);
  bus.emit("container", "start", "a", {});
  expect(seconds()).toBeGreaterThan(first);
  vi.setSystemTime(1_700_003_600_000);
  bus.emit("container", "stop", "a", {});
  expect(seconds()).toBe(1_700_003_600);
  vi.setSystemTime(1_700_000_010_000);
  bus.emit("container", "die", "a", {});
  expect(seconds()).toBe(1_700_000_010);
});
