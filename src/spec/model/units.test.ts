import fc from "fast-check";
import { expect, test } from "vitest";
import { parseBytes } from "./bytes.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { shellWords } from "./shell-words.ts";

test("durations are read with days and weeks, and printed as Go prints them", () => {
  expect([parseDuration("1m30s"), parseDuration("1d"), parseDuration("1.5s"), parseDuration("0")]).toEqual([90e9, 86_400e9, 1.5e9, 0]);
  expect([90e9, 86_400e9, 1.5e9, 200e6, 1500, 1, 0].map(formatDuration)).toEqual([
    "1m30s",
    "24h0m0s",
    "1.5s",
    "200ms",
    "1.5µs",
    "1ns",
    "0s",
  ]);
  for (const text of ["", "10", "1x", "s", "1m 30s"]) expect(() => parseDuration(text), text).toThrow("is no duration");
});

test("a printed duration reads as the same", () => {
  fc.assert(fc.property(fc.integer({ min: -1e12, max: 1e15 }), (ns) => parseDuration(formatDuration(ns)) === ns));
});

test("sizes are powers of 1024", () => {
  expect(["1", "1k", "1.5gb", "512 KiB", "2b", "64m"].map(parseBytes)).toEqual([1, 1024, 1.5 * 1024 ** 3, 512 * 1024, 2, 64 * 1024 ** 2]);
  for (const text of ["", "k", "1x", "1kbb", "-1"]) expect(() => parseBytes(text), text).toThrow("is no size");
});

test("a command line is split into words, up to the first operator of a shell", () => {
  expect(shellWords(`a 'b c' "d e" f\\ g ''`).words).toEqual(["a", "b c", "d e", "f g", ""]);
  expect(shellWords("run && stop")).toEqual({ words: ["run"], dropped: "&& stop" });
  expect(() => shellWords("it's")).toThrow("a quote without its end");
});

test("words that are quoted come back as they were", () => {
  const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      expect(shellWords(words.map(quoted).join(" ")).words).toEqual(words);
    }),
  );
});
