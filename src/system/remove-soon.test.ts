import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeSoon, sweepRemoved } from "./remove-soon.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "soon-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("the name is free at once, and nothing of the file stays", async () => {
  const file = join(directory, "a.json");
  for (const text of ["one", "two"]) {
    writeFileSync(file, text);
    removeSoon(file);
    expect(existsSync(file)).toBe(false);
  }
  await expect.poll(() => readdirSync(directory)).toEqual([]);
});

test("what is not there is removed; what stayed behind is swept", () => {
  removeSoon(join(directory, "missing.json"));
  for (const name of ["a.json.removed", "b.json"]) writeFileSync(join(directory, name), "");
  sweepRemoved(directory);
  expect(readdirSync(directory)).toEqual(["b.json"]);
});
