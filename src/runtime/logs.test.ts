import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type LogQuery, readLogs } from "./logs.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "berth-logs-"));
  path = join(directory, "ctr.log");
});
afterEach(() => rmSync(directory, { recursive: true }));

const line = (second: number, stream: "stdout" | "stderr", tag: "F" | "P", text: string) =>
  `${new Date(second * 1000).toISOString().replace("Z", "000000+00:00")} ${stream} ${tag} ${text}\n`;

async function read(query: Partial<LogQuery>, parts = false): Promise<string[]> {
  const texts: string[] = [];
  const whole = { stdout: true, stderr: true, ended: () => true, signal: new AbortController().signal, ...query };
  for await (const batch of readLogs(path, whole, { parts })) texts.push(...batch.map(({ stream, data }) => `${stream}:${data}`));
  return texts;
}

test("lines that were written in parts are whole, also when the other stream wrote in between", async () => {
  writeFileSync(
    path,
    line(1, "stdout", "P", "be") + line(1, "stderr", "F", "no") + line(2, "stdout", "F", "gin") + line(3, "stderr", "P", "open"),
  );
  expect(await read({})).toEqual(["2:no\n", "1:begin\n", "2:open"]);
  expect(await read({}, true)).toEqual(["1:be", "2:no\n", "1:gin\n", "2:open"]);
});

test("the last lines of a long log are those that reading all of it ends with, for each stream and number", async () => {
  // Lines of many lengths, some of them longer than a read, in parts and mixed; the same each time.
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  let text = "";
  for (let n = 0; text.length < 1_500_000; n++) {
    const stream = random(4) === 0 ? "stderr" : "stdout";
    for (let parts = random(3); parts > 0; parts--) {
      text += line(n, stream, "P", `${n}-${"x".repeat(random(60) === 0 ? 90_000 : 50)}`);
      if (random(2) === 0) text += line(n, stream === "stdout" ? "stderr" : "stdout", "F", `${n} between`);
    }
    text += line(n, stream, "F", `${n}${"y".repeat(random(300))}`);
  }
  writeFileSync(`${path}.1`, text.slice(0, text.indexOf("\n", 900_000) + 1));
  writeFileSync(path, text.slice(text.indexOf("\n", 900_000) + 1));
  for (const [stdout, stderr] of [
    [true, true],
    [true, false],
    [false, true],
  ] as const) {
    const all = await read({ stdout, stderr });
    expect(all.length).toBeGreaterThan(100);
    for (const tail of [1, 2, 17, 400, 100_000]) expect((await read({ stdout, stderr, tail })).join("")).toBe(all.slice(-tail).join(""));
  }
});

test("a line without an end counts as one of the last lines", async () => {
  writeFileSync(path, line(1, "stdout", "F", "a") + line(2, "stdout", "F", "b") + line(3, "stdout", "P", "> "));
  expect(await read({ tail: 1 })).toEqual(["1:> "]);
  expect(await read({ tail: 2 }, true)).toEqual(["1:b\n", "1:> "]);
  expect(await read({ tail: 0 })).toEqual([]);
});

test("since and until choose before the last lines are counted", async () => {
  writeFileSync(path, [1, 2, 3, 4, 5].map((second) => line(second, "stdout", "F", `${second}`)).join(""));
  expect(await read({ untilMs: 4000, tail: 2 })).toEqual(["1:3\n", "1:4\n"]);
  expect(await read({ sinceMs: 5000, tail: 3 })).toEqual(["1:5\n"]);
});

test("since and until tell two lines of one millisecond apart", async () => {
  writeFileSync(path, [200, 700].map((us) => `1970-01-01T00:00:01.500${us}000+00:00 stdout F ${us}\n`).join(""));
  expect(await read({ untilMs: 1500.5 })).toEqual(["1:200\n"]);
  expect(await read({ sinceMs: 1500.5 })).toEqual(["1:700\n"]);
});

test("what is no line of a log is left out", async () => {
  writeFileSync(path, `garbage\n\n${line(1, "stdout", "F", "")}2026 stdout\n${line(2, "stdout", "F", "b")}`);
  expect(await read({})).toEqual(["1:\n", "1:b\n"]);
  expect(await read({ tail: 1 })).toEqual(["1:b\n"]);
});

test("a follower sees what is written to the files that come after", { timeout: 20_000 }, async () => {
  writeFileSync(path, line(1, "stdout", "F", "first"));
  let ended = false;
  const query: LogQuery = { stdout: true, stderr: true, follow: true, ended: () => ended, signal: new AbortController().signal };
  const seen: string[] = [];
  for await (const batch of readLogs(path, query)) {
    seen.push(...batch.map(({ data }) => data.toString().trim()));
    if (seen.length === 1) {
      appendFileSync(path, line(2, "stdout", "F", "second"));
      renameSync(path, `${path}.1`);
      writeFileSync(path, line(3, "stdout", "F", "third"));
    }
    if (seen.at(-1) === "third") {
      appendFileSync(path, line(4, "stdout", "F", "last"));
      ended = true;
    }
  }
  expect(seen).toEqual(["first", "second", "third", "last"]);
});
