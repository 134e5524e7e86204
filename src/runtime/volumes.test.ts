import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Volumes } from "./volumes.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync("/var/tmp/berth-volumes-");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("a volume's name is free as soon as it is removed, and its files are gone when that is answered", async () => {
  const volumes = new Volumes(root);
  const { Mountpoint } = volumes.create("data", {});
  for (let file = 0; file < 100; file++) writeFileSync(join(Mountpoint, `f${file}`), "first");
  const removed = volumes.remove("data");
  expect(volumes.find("data")).toBeUndefined();
  expect(readdirSync(volumes.create("data", {}).Mountpoint)).toEqual([]);
  await removed;
  expect(readdirSync(join(root, "volumes"))).toEqual(["data"]);
});

test("what an engine that was killed meanwhile left of a removed volume goes when the next one opens", () => {
  const volumes = new Volumes(root);
  volumes.create("kept", {});
  mkdirSync(join(root, "volumes/.removed-1/_data"), { recursive: true });
  writeFileSync(join(root, "volumes/.removed-1/_data/file"), "");
  const next = new Volumes(root);
  expect(next.open()).toEqual([]);
  expect(next.list().map((volume) => volume.Name)).toEqual(["kept"]);
  expect(existsSync(join(root, "volumes/.removed-1"))).toBe(false);
});
