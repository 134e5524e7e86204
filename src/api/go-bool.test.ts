import { expect, it } from "vitest";
import { goBoolFault, parseGoBool } from "./go-bool.ts";

it.each(["1", "t", "T", "TRUE", "true", "True"])("%s is true", (text) => {
  expect(parseGoBool(text)).toBe(true);
});
it.each(["0", "f", "F", "FALSE", "false", "False"])("%s is false", (text) => {
  expect(parseGoBool(text)).toBe(false);
});
it.each(["", "yes", "tRUE", "01"])("%o is neither", (text) => {
  expect(parseGoBool(text)).toBeUndefined();
  expect(goBoolFault(text)).toBe(`strconv.ParseBool: parsing "${text}": invalid syntax`);
});
