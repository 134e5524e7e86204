import { expect, test } from "vitest";
import { berthPaths } from "./paths.ts";

test("the defaults are the system's directories", () => {
  expect(berthPaths({})).toMatchObject({ root: "/var/lib/berth", run: "/run/berth", socket: "/run/berth/engine.sock" });
});

test("engines with different run directories have different prefixes in the kernel", () => {
  const [a, b] = [berthPaths({ BERTH_RUN: "/run/a" }), berthPaths({ BERTH_RUN: "/run/b" })];
  expect(a.instance).toMatch(/^[0-9a-f]{8}$/);
  expect(a.instance).not.toBe(b.instance);
});
