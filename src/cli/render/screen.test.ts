import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import type { Output } from "../context.ts";
import { clip, justify, Screen } from "./screen.ts";

/** What a terminal shows after these bytes: only what Screen uses of the control sequences. */
function shown(bytes: string): string[] {
  const lines: string[] = [""];
  let row = 0;
  let column = 0;
  for (const [token] of bytes.matchAll(/\x1b\[\??(\d*)([A-Za-z])|[\s\S]/g)) {
    const control = /^\x1b\[\??(\d*)([A-Za-z])$/.exec(token);
    if (control?.[2] === "A") row -= Number(control[1]);
    else if (control?.[2] === "K") lines[row] = (lines[row] ?? "").slice(0, column);
    else if (control?.[2] === "J") {
      lines[row] = (lines[row] ?? "").slice(0, column);
      lines.length = row + 1;
    } else if (control) continue;
    else if (token === "\n") {
      row += 1;
      column = 0;
      lines[row] ??= "";
    } else if (token === "\r") column = 0;
    else {
      const line = (lines[row] ?? "").padEnd(column);
      lines[row] = line.slice(0, column) + token + line.slice(column + 1);
      column += 1;
    }
  }
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

function terminal(rows = 10) {
  const out = new PassThrough() as PassThrough & { columns: number; rows: number };
  Object.assign(out, { columns: 20, rows });
  return { out: out as Output, text: () => shown(String(out.read() ?? "")) };
}

test("the bottom lines are rewritten in place, and what is printed stays above them", () => {
  const { out, text } = terminal();
  const screen = new Screen(out);
  screen.setBottom(["[+] 0/2", "a starting", "b starting"]);
  screen.above(() => out.write("hello\n"));
  screen.setBottom(["[+] 1/2", "a started"]);
  screen.settle(["[+] 2/2", "a started"]);
  screen.setBottom(["next"]);
  expect(text()).toEqual(["hello", "[+] 2/2", "a started", "next"]);
});

test("a footer stays below everything", () => {
  const { out, text } = terminal();
  const screen = new Screen(out);
  screen.setFooter(["d detach"]);
  screen.setBottom(["a starting"]);
  screen.above(() => out.write("hello\n"));
  screen.settle(["a started"]);
  screen.above(() => out.write("bye\n"));
  expect(text()).toEqual(["hello", "a started", "bye", "d detach"]);
});

test("never draws more lines than there are rows, nor wider ones", () => {
  const { out, text } = terminal(4);
  new Screen(out).setBottom(["x".repeat(50), "2", "3", "4", "5"]);
  expect(text()).toEqual(["x".repeat(20), "2", "3"]);
});

test("colours take no room", () => {
  expect(clip("\x1b[32mgreen\x1b[0m", 3)).toBe("\x1b[32mgre\x1b[0m");
  expect(justify("\x1b[32ma\x1b[0m", "1s", 6)).toBe("\x1b[32ma\x1b[0m   1s");
  expect(justify("much too long", "1s", 8)).toBe("much… 1s");
});
