import { expect, test } from "vitest";
import type { BuildEvent } from "../../api/index.ts";
import { buildLines, failedBuildLines } from "./build-lines.ts";
import { PlainBuild } from "./build-plain.ts";
import { BuildState, bytes } from "./build-state.ts";
import { paint } from "./paint.ts";

const vertex = (id: string, name: string, more: Partial<Extract<BuildEvent, { type: "vertex" }>> = {}): BuildEvent => ({
  type: "vertex",
  id,
  name,
  inputs: [],
  ...more,
});
const log = (id: string, text: string, timeMs: number): BuildEvent => ({ type: "log", vertex: id, stream: 1, text, timeMs });

const events: BuildEvent[] = [
  vertex("a", "[1/3] FROM base"),
  vertex("b", "[2/3] RUN make"),
  vertex("c", "[3/3] RUN test"),
  vertex("a", "[1/3] FROM base", { startedMs: 1000 }),
  vertex("a", "[1/3] FROM base", { startedMs: 1000, completedMs: 1100, cached: true }),
  vertex("b", "[2/3] RUN make", { startedMs: 1100 }),
  log("b", "cc ma", 1200),
  log("b", "in.c\nld \x1b[31mmain\n", 1300),
];
const view = { nowMs: 3100, width: 41, height: 20, paint: paint(false) };

test("a terminal shows what began, what came from the cache, and the tail of the output of what runs", () => {
  const state = new BuildState();
  for (const event of events) state.apply(event);
  expect(buildLines(state, view)).toEqual([
    "[+] Building 2.1s (1/3)",
    " => CACHED [1/3] FROM base          0.1s",
    " => [2/3] RUN make                  2.0s",
    " => => # cc main.c",
    " => => # ld main",
  ]);
  state.apply(vertex("b", "[2/3] RUN make", { startedMs: 1100, completedMs: 1500, error: "exit code: 2" }));
  expect(buildLines(state, { ...view, finished: true })).toEqual([
    "[+] Building 0.5s (1/3) FINISHED",
    " => CACHED [1/3] FROM base          0.1s",
    " => ERROR [2/3] RUN make            0.4s",
  ]);
  expect(failedBuildLines(state)).toEqual(["------", " > [2/3] RUN make:", "cc main.c", "ld main", "------"]);
});

test("done steps give way where there is little room", () => {
  const state = new BuildState();
  for (const event of events) state.apply(event);
  expect(buildLines(state, { ...view, height: 3 }).map((line) => line.slice(0, 20).trimEnd())).toEqual([
    "[+] Building 2.1s (1",
    " => [2/3] RUN make",
  ]);
});

test("plain output names each step once, and whole lines with their times", () => {
  const plain = new PlainBuild(new BuildState());
  const lines = [...events, vertex("b", "[2/3] RUN make", { startedMs: 1100, completedMs: 1500 })].flatMap((event) => plain.lines(event));
  expect(lines).toEqual([
    "#1 [1/3] FROM base",
    "#1 CACHED",
    "",
    "#2 [2/3] RUN make",
    "#2 0.200 cc main.c",
    "#2 0.200 ld main",
    "#2 DONE 0.4s",
    "",
  ]);
});

test("steps that run at the same time take turns in plain output", () => {
  const plain = new PlainBuild(new BuildState());
  const both: BuildEvent[] = [
    vertex("a", "[1/1] RUN a", { startedMs: 0 }),
    vertex("a", "[1/1] RUN a", { startedMs: 0 }),
    log("a", "one\n", 0),
  ];
  const lines = both.flatMap((event) => [...plain.lines(event, "web"), ...plain.lines(event, "db")]);
  expect(lines.filter((line) => line !== "")).toEqual([
    "#1 [web 1/1] RUN a",
    "#2 [db 1/1] RUN a",
    "#1 ...",
    "#1 0.000 one",
    "#2 ...",
    "#2 0.000 one",
  ]);
});

test("sizes", () => {
  expect([bytes(0), bytes(999), bytes(1234567)]).toEqual(["0B", "999B", "1.235MB"]);
});
