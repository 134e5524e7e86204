import { expect, test } from "vitest";
import type { StepEvent } from "../../api/index.ts";
import { paint } from "./paint.ts";
import { plainStep, StepBoard } from "./step-board.ts";

const step = (id: string, status: string, done: boolean, timeMs: number, more: Partial<StepEvent> = {}): StepEvent => ({
  type: "step",
  id,
  status,
  done,
  timeMs,
  ...more,
});
const view = { title: "Running", nowMs: 2000, width: 62, height: 20, paint: paint(false) };

test("a line for each resource, with its sign, its state and its time at the end", () => {
  const board = new StepBoard();
  board.apply(step("Network shop_default", "creating", false, 1000));
  board.apply(step("Network shop_default", "created", true, 1100));
  board.apply(step("Container shop-web-1", "starting", false, 1500));
  board.apply(step("Container shop-db-1", "starting", false, 1000));
  board.apply(
    step("Container shop-db-1", "error", true, 1400, { error: { code: "network/port-taken", message: "port 80 is taken\nmore" } }),
  );
  expect(board.lines(view)).toEqual([
    "[+] Running 1/3",
    " ✔ Network shop_default  Created                         0.1s",
    " ⠋ Container shop-web-1  Starting                        0.5s",
    " ✘ Container shop-db-1   Error port 80 is taken          0.4s",
  ]);
});

test("where the terminal is too low, what is done gives way", () => {
  const board = new StepBoard();
  for (const n of [1, 2, 3, 4, 5]) board.apply(step(`Container a-${n}`, n > 3 ? "starting" : "started", n <= 3, 1000));
  const lines = board.lines({ ...view, height: 4 });
  expect(lines.map((line) => line.slice(0, 26).trimEnd())).toEqual([
    "[+] Running 3/5",
    " ⠋ Container a-4  Starting",
    " ⠋ Container a-5  Starting",
    " … and 3 more",
  ]);
});

test("plain lines", () => {
  expect(plainStep(step("Container shop-web-1", "started", true, 0))).toBe(" Container shop-web-1  Started");
});
