import { expect, test } from "vitest";
import { LineCutter, LogPrefixes } from "./log-lines.ts";

test("prefixes are aligned to the longest name, and have a colour each", () => {
  const plain = new LogPrefixes(["web-1", "worker-1"], false);
  expect(plain.prefix("web-1")).toBe("web-1     | ");
  expect(plain.prefix("worker-1")).toBe("worker-1  | ");
  const colored = new LogPrefixes(["a", "b"], true);
  expect(colored.prefix("b")).toBe("\x1b[33mb  | \x1b[0m");
});

test("lines are cut whole, whatever the chunks are", () => {
  const cutter = new LineCutter();
  const bytes = Buffer.from("one\r\nzwölf\nrest");
  const lines = [...bytes].flatMap((_, index) => cutter.cut(bytes.subarray(index, index + 1)));
  expect([...lines, ...cutter.rest(), ...cutter.rest()]).toEqual(["one", "zwölf", "rest"]);
});
