import { fc, test as property } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { differenceLine, differences } from "./definition-diff.ts";

test("each value that differs, by its path", () => {
  const before = { image: "a:1", environment: { LEVEL: "info", OLD: "x" }, ports: [{ target: 80, published: "8080" }], command: ["a"] };
  const after = {
    image: "a:2",
    environment: { LEVEL: "debug" },
    ports: [{ target: 80, published: "8081" }],
    command: ["a", "b"],
    init: true,
  };
  expect(differences(before, after).map(differenceLine)).toEqual([
    'command: ["a"] -> ["a","b"]',
    "environment.LEVEL: info -> debug",
    "environment.OLD: x is gone",
    "image: a:1 -> a:2",
    "init: true is new",
    "ports[0].published: 8080 -> 8081",
  ]);
  expect(differences({ a: null, b: [] }, { c: {} })).toEqual([]);
});

property.prop([fc.jsonValue()])("nothing differs from itself", (value) => {
  expect(differences(value, structuredClone(value))).toEqual([]);
});
