import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { removeTree } from "./remove-tree.ts";

test("everything below a directory goes, also names that are no text; a link's target stays", async () => {
  const directory = mkdtempSync("/var/tmp/berth-remove-");
  try {
    const [tree, outside] = [join(directory, "tree"), join(directory, "outside")];
    mkdirSync(join(tree, "a/b"), { recursive: true });
    mkdirSync(outside);
    writeFileSync(join(outside, "kept"), "");
    for (let file = 0; file < 100; file++) writeFileSync(join(tree, `a/b/${file}`), "");
    writeFileSync(Buffer.concat([Buffer.from(`${tree}/a/`), Buffer.from([0xff, 0xfe])]), "");
    symlinkSync(outside, join(tree, "a/link"));
    await removeTree(tree);
    expect([existsSync(tree), existsSync(join(outside, "kept"))]).toEqual([false, true]);
    await removeTree(tree);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
