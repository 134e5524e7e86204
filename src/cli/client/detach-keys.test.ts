import { expect, test } from "vitest";
import { detachWatch } from "../../api/index.ts";
import { parseDetachKeys } from "./detach-keys.ts";

const typed = (keys: string, ...pieces: string[]) => {
  const watch = detachWatch(parseDetachKeys(keys));
  let sent = "";
  for (const piece of pieces) {
    const { pass, detached } = watch.feed(Buffer.from(piece));
    sent += pass.toString();
    if (detached) return `${sent}|detached`;
  }
  return sent;
};

test("the keys detach, also when they come one by one, and are not sent", () => {
  expect(typed("ctrl-p,ctrl-q", "ls\r\x10\x11more")).toBe("ls\r|detached");
  expect(typed("ctrl-p,ctrl-q", "a\x10", "\x11")).toBe("a|detached");
  expect(typed("ctrl-x,x", "\x18x")).toBe("|detached");
});

test("a beginning that goes on otherwise is sent", () => {
  expect(typed("ctrl-p,ctrl-q", "\x10", "a\x11")).toBe("\x10a\x11");
  expect(typed("ctrl-p,ctrl-q", "\x10\x10\x11")).toBe("\x10|detached");
});

test("unknown keys are refused", () => {
  expect(() => parseDetachKeys("ctrl-1")).toThrow("invalid detach keys");
  expect(parseDetachKeys("ctrl-@,ctrl-[,q")).toEqual(Buffer.from([0, 27, 113]));
});
