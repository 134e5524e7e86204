import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { syscalls, umountFlag, writeFileAtomic } from "../../../src/system/index.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync("/var/tmp/berth-full-");
  syscalls().mount("tmpfs", directory, "tmpfs", 0, "size=16k");
});
afterAll(() => {
  syscalls().umount(directory, umountFlag.detach);
  rmSync(directory, { recursive: true, force: true });
});

test("a full disk is said to be full; the old content stays and no part of the new one", () => {
  const path = join(directory, "record.json");
  writeFileAtomic(path, "old");
  expect(() => writeFileAtomic(path, "x".repeat(64 * 1024))).toThrow(expect.objectContaining({ code: "system/disk-full" }));
  expect(readFileSync(path, "utf8")).toBe("old");
  expect(readdirSync(directory)).toEqual(["record.json"]);
});
