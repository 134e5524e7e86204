import { expect, it } from "vitest";
import { moment } from "./moment.ts";

const now = Date.parse("2026-01-02T00:00:00Z");

it.each([
  ["1767312000", "1767312000"],
  ["0.5", "0.5"],
  ["42m", "1767309480.000"],
  ["500ms", "1767311999.500"],
  ["2026-01-01T00:00:00.250Z", "1767225600.250"],
])("%s is %s", (text, expected) => {
  expect(moment(text, now)).toBe(expected);
});

it("says what is no time", () => {
  expect(() => moment("x", now)).toThrow('failed to parse value as time or duration: "x"');
  expect(moment(undefined, now)).toBeUndefined();
});
