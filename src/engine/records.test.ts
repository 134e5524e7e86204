import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Records } from "./records.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "records-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** The records there are; a deleted one keeps another name until its file is gone. */
const written = () =>
  Object.fromEntries(
    readdirSync(directory)
      .filter((name) => name.endsWith(".json"))
      .map((name) => [name, JSON.parse(readFileSync(join(directory, name), "utf8"))]),
  );

test("what is put soon is there at once, and in its file when it is flushed", () => {
  const records = new Records<{ n: number }>(directory);
  records.put("a", { n: 1 });
  records.putSoon("a", { n: 2 });
  expect([records.get("a"), written()]).toEqual([{ n: 2 }, { "a.json": { n: 1 } }]);
  records.flush();
  expect(written()).toEqual({ "a.json": { n: 2 } });
});

test("what is deleted or put before that is not written again", () => {
  const records = new Records<{ n: number }>(directory);
  for (const id of ["a", "b"]) records.put(id, { n: 1 });
  records.putSoon("a", { n: 2 });
  records.delete("a");
  records.putSoon("b", { n: 2 });
  records.put("b", { n: 3 });
  records.flush();
  expect(written()).toEqual({ "b.json": { n: 3 } });
  expect(records.get("a")).toBeUndefined();
});

test("a write that fails is told, and does not keep the others from being written", () => {
  const failed: string[] = [];
  const records = new Records<unknown>(directory, (id) => failed.push(id));
  const endless: Record<string, unknown> = {};
  endless["self"] = endless;
  records.putSoon("a", endless);
  records.putSoon("b", { n: 1 });
  records.flush();
  expect([failed, written()]).toEqual([["a"], { "b.json": { n: 1 } }]);
});
