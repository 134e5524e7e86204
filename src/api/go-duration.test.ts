import { expect, it } from "vitest";
import { goDurationFault, parseGoDuration } from "./go-duration.ts";

it.each([
  ["1h30m", 5400e9],
  ["1.5s", 1.5e9],
  [".5m", 30e9],
  ["2.s", 2e9],
  ["+1us", 1e3],
  ["1\u00b5s1\u03bcs", 2e3],
  ["-3ms", -3e6],
  ["1ns", 1],
  ["0", 0],
  ["-0", 0],
  ["0h", 0],
  ["2562047h", 2_562_047 * 3600e9],
])("%s is a duration as Go reads it", (text, ns) => {
  expect(parseGoDuration(text)).toBe(ns);
});

it.each(["", "1", "s", ".s", "-.s", "1x", "1d", "1h 30m", " 1s", "1s ", "--1s", "1.2.3s", "3000000h", "1constructor"])(
  "%j is none",
  (text) => {
    expect(parseGoDuration(text)).toBeUndefined();
  },
);

it("takes other units where they are given", () => {
  expect([parseGoDuration("1w2d", { d: 1, w: 7 }), parseGoDuration("1h", { d: 1, w: 7 })]).toEqual([9, undefined]);
});

it("says in Go's words what is wrong", () => {
  expect(["1", "1h5", "1d", "1h1x", "", "x", ".s", "1h-1m"].map(goDurationFault)).toEqual([
    'time: missing unit in duration "1"',
    'time: missing unit in duration "1h5"',
    'time: unknown unit "d" in duration "1d"',
    'time: unknown unit "x" in duration "1h1x"',
    'time: invalid duration ""',
    'time: invalid duration "x"',
    'time: invalid duration ".s"',
    'time: unknown unit "h-" in duration "1h-1m"',
  ]);
});
