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

test("input is passed on, also to a program that does not read it", async () => {
  expect(await run("cat", [], { input: "one\ntwo\n" })).toMatchObject({ stdout: "one\ntwo\n" });
  expect(await run("true", [], { input: "x".repeat(1_000_000) })).toMatchObject({ exitCode: 0 });
});

test("environment and directory are those that were given, and nothing is inherited", async () => {
  const { stdout } = await run("sh", ["-c", "pwd; echo $A; env | sort | cut -d= -f1 | tr '\\n' ' '"], { cwd: "/usr", env: { A: "b c" } });
  expect(stdout).toBe("/usr\nb c\nA HOME LC_ALL PATH PWD ");
});

test("a program that takes too long is ended and named", async () => {
  await expect(run("sleep", ["60"], { timeoutMs: 20 })).rejects.toThrow("sleep 60 took too long");
});

test("a program that a signal ended is said to be", async () => {
  await expect(run("sh", ["-c", "kill -KILL $$"])).rejects.toThrow("was ended by SIGKILL");
});

test("a program does not inherit that Node ignores SIGPIPE", async () => {
  const { stdout } = await run("grep", ["SigIgn", "/proc/self/status"]);
  expect(BigInt(`0x${stdout.trim().split("\t")[1]}`) & (1n << 12n)).toBe(0n);
});
