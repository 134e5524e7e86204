import { expect, test } from "vitest";
import { createBody } from "./create-body.ts";

test("a field of another kind is refused by its name", () => {
  expect(() => createBody({ Image: 5 })).toThrow("cannot unmarshal number into Go struct field .Image of type string");
  expect(() => createBody({ Image: "a", HostConfig: { Memory: "1g" } })).toThrow("Go struct field .HostConfig.Memory of type int64");
  expect(() => createBody([])).toThrow("cannot unmarshal array");
});

test("one word is a list of one where Docker takes it so, and null asks for nothing", () => {
  expect(createBody({ Image: "a", Cmd: "ls", Labels: null, HostConfig: null })).toEqual({ Image: "a", Cmd: ["ls"] });
});

test("fields that are not known pass", () => {
  expect(createBody({ Image: "a", Fancy: 1, HostConfig: { Other: [] } })).toEqual({ Image: "a", Fancy: 1, HostConfig: { Other: [] } });
});
