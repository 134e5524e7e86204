import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EngineLog } from "./engine-log.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "engine-log-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const lines = (file: string) => readFileSync(join(directory, file), "utf8").trim().split("\n");

test("a full log begins anew, a few files are kept, and no line is cut", () => {
  const log = new EngineLog(join(directory, "engine.log"), { maxBytes: 40, files: 3 });
  for (let number = 0; number < 20; number++) log.write(`this is line ${number}\n`);
  expect(readdirSync(directory).sort()).toEqual(["engine.log", "engine.log.1", "engine.log.2"]);
  expect(["engine.log.2", "engine.log.1", "engine.log"].flatMap(lines)).toEqual([14, 15, 16, 17, 18, 19].map((n) => `this is line ${n}`));
  for (const file of readdirSync(directory)) expect(statSync(join(directory, file)).size).toBeLessThanOrEqual(40);
});

test("the next engine goes on in the same file, and counts what is there", () => {
  new EngineLog(join(directory, "engine.log"), { maxBytes: 40 }).write("the first engine's\n");
  const next = new EngineLog(join(directory, "engine.log"), { maxBytes: 40 });
  next.write("the second's\n");
  expect(lines("engine.log")).toEqual(["the first engine's", "the second's"]);
  next.write("another that is long\n");
  expect(lines("engine.log")).toEqual(["another that is long"]);
  expect(lines("engine.log.1")).toEqual(["the first engine's", "the second's"]);
});

test("where nothing can be written nothing is thrown", () => {
  expect(() => new EngineLog(join(directory, "engine.log", "x", "\0")).write("lost\n")).not.toThrow();
});
