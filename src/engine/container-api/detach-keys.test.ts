import { expect, test } from "vitest";
import { detachWatch } from "./detach-keys.ts";

test("the keys detach, also cut in two, and a beginning that goes on otherwise is passed on", () => {
  const watch = detachWatch("");
  expect(watch.feed(Buffer.from("a\x10b"))).toEqual({ pass: Buffer.from("a\x10b"), detached: false });
  expect(watch.feed(Buffer.from("c\x10"))).toEqual({ pass: Buffer.from("c"), detached: false });
  expect(watch.feed(Buffer.from("\x11d"))).toEqual({ pass: Buffer.from(""), detached: true });
});

test("other keys are the request's, and what is none is refused", () => {
  expect(detachWatch("x,ctrl-a").feed(Buffer.from("x\x01"))).toMatchObject({ detached: true });
  expect(() => detachWatch("ctrl-")).toThrow("Invalid detach keys");
});
