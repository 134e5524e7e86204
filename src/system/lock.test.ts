import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { lockFile } from "./lock.ts";

const directory = mkdtempSync(join(tmpdir(), "lock-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("a second holder is refused until the first lets go", async () => {
  const path = join(directory, "a.lock");
  const first = await lockFile(path);
  await expect(lockFile(path)).rejects.toMatchObject({ code: "system/locked" });
  const waiting = lockFile(path, 5_000);
  first.release();
  (await waiting).release();
});
