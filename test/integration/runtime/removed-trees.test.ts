import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RemovedTrees } from "../../../src/runtime/removed-trees.ts";

const warnings: string[] = [];
const log = { warn: (_: object, message: string) => void warnings.push(message) };
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "removed-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function tree(name: string): string {
  const path = join(directory, name);
  mkdirSync(join(path, "upper/deep"), { recursive: true });
  writeFileSync(join(path, "upper/deep/file"), "x");
  return path;
}

test("what is taken is gone from its place at once, and deleted when the rest is closed", async () => {
  const removed = new RemovedTrees(join(directory, "removed"), log);
  const [one, two] = [tree("one"), tree("two")];
  removed.take(one, "one");
  removed.take(two, "two");
  removed.take(join(directory, "missing"), "missing");
  expect([existsSync(one), existsSync(two)]).toEqual([false, false]);
  await removed.close();
  expect(readdirSync(join(directory, "removed"))).toEqual([]);
  expect(warnings).toEqual([]);
});

test("what a killed engine has not deleted is deleted by the next", async () => {
  const before = new RemovedTrees(join(directory, "removed"), log);
  tree("removed/left");
  await new RemovedTrees(join(directory, "removed"), log).close();
  expect(readdirSync(join(directory, "removed"))).toEqual([]);
  await before.close();
});
