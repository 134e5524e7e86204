import { expect, test } from "vitest";
import { run } from "./run.ts";

test("a program that fails is named with its exit code and its last words", async () => {
  await expect(run("sh", ["-c", "echo why >&2; exit 3"])).rejects.toThrow("sh -c echo why >&2; exit 3 exited with 3: why");
});

test("a program that is not installed is said to be missing", async () => {
  await expect(run("no-such-program", [])).rejects.toMatchObject({ code: "system/missing-tool" });
});

test("an accepted exit code is an answer", async () => {
  expect(await run("sh", ["-c", "exit 3"], { accept: [0, 3] })).toMatchObject({ exitCode: 3 });
});

test("an aborted signal ends the program and rejects with its reason", async () => {
  const abort = new AbortController();
  const running = run("sleep", ["60"], { signal: abort.signal });
  abort.abort(new Error("enough"));
  await expect(running).rejects.toThrow("enough");
});
