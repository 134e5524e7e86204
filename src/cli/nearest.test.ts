import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

test("finds what was meant, and nothing that is far", () => {
  expect(nearest("wbe", ["db", "web", "worker"])).toBe("web");
  expect(nearest("Worke", ["db", "web", "worker"])).toBe("worker");
  expect(nearest("cache", ["db", "web", "worker"])).toBeUndefined();
});
