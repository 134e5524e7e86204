import { closeSync, copyFileSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run, SealedProgram, syscalls } from "../../../src/system/index.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sealed-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const programOf = (name: string): string => {
  const file = join(directory, name);
  copyFileSync(`/bin/${name}`, file);
  return file;
};

test("a sealed program runs, also as the child of another process, and cannot be changed", async () => {
  const sealed = new SealedProgram(programOf("echo"));
  try {
    expect(sealed.path).toMatch(/^\/proc\/\d+\/fd\/\d+$/);
    expect((await run(sealed.path, ["hello"])).stdout).toBe("hello\n");
    expect((await run("sh", ["-c", '"$0" hello', sealed.path])).stdout).toBe("hello\n");
    expect(readFileSync(sealed.path)).toEqual(readFileSync("/bin/echo"));
    expect(() => writeFileSync(openSync(sealed.path, "r+"), "x")).toThrow(/EPERM/);
  } finally {
    sealed.close();
  }
});

test("it has the seals by which crun and runc know their own copy", () => {
  const sealed = new SealedProgram("/usr/bin/crun");
  const fd = openSync(sealed.path, "r");
  try {
    const F_GET_SEALS = 1034;
    expect(syscalls().libc("int fcntl(int fd, int command, ...)")(fd, F_GET_SEALS)).toBe(0xf);
  } finally {
    closeSync(fd);
    sealed.close();
  }
});

test("a program that was replaced is copied anew", async () => {
  const file = programOf("true");
  const sealed = new SealedProgram(file);
  try {
    await run(sealed.path, []);
    renameSync(programOf("false"), file);
    expect((await run(sealed.path, [], { accept: [1] })).exitCode).toBe(1);
  } finally {
    sealed.close();
  }
});

test("a program that is not there is told", () => {
  expect(() => new SealedProgram(join(directory, "missing")).path).toThrow(/ENOENT/);
});
