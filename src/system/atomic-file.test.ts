import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readJsonFile, writeFileAtomic } from "./atomic-file.ts";

const directory = mkdtempSync(join(tmpdir(), "atomic-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("replaces a file and leaves no temporary file", () => {
  const path = join(directory, "a.json");
  writeFileAtomic(path, "1");
  writeFileAtomic(path, '{"b":2}', { sync: true });
  expect(readFileSync(path, "utf8")).toBe('{"b":2}');
  expect(readJsonFile(path)).toEqual({ b: 2 });
  expect(readdirSync(directory)).toEqual(["a.json"]);
});

test("names the file that it cannot write", () => {
  expect(() => writeFileAtomic("/dev/full/x", "1")).toThrow("cannot write /dev/full/x: ENOTDIR");
  const path = join(directory, "missing", "x");
  expect(() => writeFileAtomic(path, "1")).toThrow(`cannot write ${path}: ENOENT`);
});

test("a file that is not there is undefined; one that is not JSON throws", () => {
  expect(readJsonFile(join(directory, "nothing"))).toBeUndefined();
  writeFileAtomic(join(directory, "bad"), "{");
  expect(() => readJsonFile(join(directory, "bad"))).toThrow(SyntaxError);
});
