import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../../../test/support/until.ts";
import { DirectoryWatches } from "./directory-watches.ts";

let [around, root] = ["", ""];
let watches: DirectoryWatches;
/** Of each path below the directory around the root, what was told last. */
let told: Map<string, string>;
let pruned: string[];

beforeEach(async () => {
  around = mkdtempSync("/var/tmp/berth-directories-");
  root = join(around, "src");
  write("src/old/a", "1");
  write("src/old/deep/b", "1");
  write("src/skipped/c", "1");
  told = new Map();
  pruned = [];
  watches = new DirectoryWatches({
    roots: [root],
    pruned: (directory) => {
      pruned.push(directory);
      return directory.endsWith("/skipped");
    },
    changed: (path, state) => told.set(path.slice(around.length + 1), state),
    failed: (directory, error) => told.set(directory, String(error)),
  });
  await watches.ready;
});
afterEach(() => {
  watches.close();
  rmSync(around, { recursive: true, force: true });
});

function write(path: string, text: string): void {
  mkdirSync(join(around, path, ".."), { recursive: true });
  writeFileSync(join(around, path), text);
}
const tells = (wanted: Record<string, "there" | "gone">) =>
  until(() => Object.entries(wanted).every(([path, state]) => told.get(path) === state), {
    timeoutMs: 20_000,
    what: `${JSON.stringify(wanted)} of what was told`,
  });

test("a change, a new file, a link, a rename and a removal", async () => {
  write("src/old/a", "2");
  write("src/new", "1");
  symlinkSync("nowhere", join(root, "link"));
  await tells({ "src/old/a": "there", "src/new": "there", "src/link": "there" });
  renameSync(join(root, "new"), join(root, "newer"));
  rmSync(join(root, "old/a"));
  rmSync(join(root, "link"));
  await tells({ "src/new": "gone", "src/newer": "there", "src/old/a": "gone", "src/link": "gone" });
});

test("what a new directory has in it, and what is put in it later", async () => {
  write("src/x/y/z", "1");
  await tells({ "src/x": "there", "src/x/y": "there", "src/x/y/z": "there" });
  told.clear();
  write("src/x/y/later", "1");
  await tells({ "src/x/y/later": "there" });
});

test("what a removed or renamed directory had in it", async () => {
  renameSync(join(root, "old"), join(root, "moved"));
  await tells({
    "src/old/a": "gone",
    "src/old/deep/b": "gone",
    "src/old": "gone",
    "src/moved/a": "there",
    "src/moved/deep/b": "there",
  });
  told.clear();
  write("src/moved/deep/b", "2");
  await tells({ "src/moved/deep/b": "there" });
  rmSync(join(root, "moved"), { recursive: true });
  await tells({ "src/moved/deep/b": "gone", "src/moved": "gone" });
});

test("a directory in the place of another: what only the former had is gone, and the new one is watched", async () => {
  write("else/only-new", "1");
  write("else/deep/b", "1");
  renameSync(join(root, "old"), join(around, "away"));
  renameSync(join(around, "else"), join(root, "old"));
  await tells({ "src/old/a": "gone", "src/old/only-new": "there", "src/old/deep/b": "there" });
  told.clear();
  write("src/old/deep/b", "2");
  await tells({ "src/old/deep/b": "there" });
});

test("a file in the place of a directory, and a directory in the place of a file", async () => {
  rmSync(join(root, "old"), { recursive: true });
  write("src/old", "a file");
  await tells({ "src/old/a": "gone", "src/old/deep/b": "gone", "src/old": "there" });
  rmSync(join(root, "old"));
  write("src/old/again", "1");
  await tells({ "src/old/again": "there" });
});

test("a root that is removed and made again", async () => {
  rmSync(root, { recursive: true });
  await tells({ "src/old/a": "gone", "src/old/deep/b": "gone" });
  write("src/back", "1");
  await tells({ "src/back": "there" });
  told.clear();
  write("src/back", "2");
  await tells({ "src/back": "there" });
});

test("a pruned directory is not looked into, and only directories are asked about", async () => {
  write("src/skipped/c", "2");
  write("src/old/a", "2");
  await tells({ "src/old/a": "there" });
  expect(told.has("src/skipped/c")).toBe(false);
  expect(pruned.map((path) => path.slice(root.length + 1)).sort()).toEqual(["old", "old/deep", "skipped"]);
});

test("thousands of files at once", async () => {
  for (let file = 0; file < 2000; file++) write(`src/many/d${file % 20}/f${file}`, "1");
  await tells(Object.fromEntries(Array.from({ length: 2000 }, (_, file) => [`src/many/d${file % 20}/f${file}`, "there"])));
});
