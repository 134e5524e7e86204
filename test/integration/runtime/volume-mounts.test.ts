import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Volumes } from "../../../src/runtime/index.ts";

let root: string;
let source: string;
let volumes: Volumes;

beforeEach(() => {
  root = mkdtempSync("/var/tmp/berth-volume-mounts-");
  source = join(root, "source");
  mkdirSync(source);
  writeFileSync(join(source, "mine"), "kept");
  volumes = new Volumes(root);
});
afterEach(() => {
  expect(mounts()).toBe(0);
  rmSync(root, { recursive: true, force: true });
});

const mounts = (): number =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(root)).length;
const bound = () => volumes.create("bound", { DriverOpts: { type: "none", o: "bind", device: source } });

it("containers that start at the same time mount a volume's device once, and its removal leaves the device's files alone", async () => {
  const { Mountpoint } = bound();
  await Promise.all(Array.from({ length: 5 }, () => volumes.prepare("bound", { user: "a", noCopy: true })));
  expect(mounts()).toBe(1);
  expect(readFileSync(join(Mountpoint, "mine"), "utf8")).toBe("kept");
  await volumes.remove("bound");
  expect(readdirSync(source)).toEqual(["mine"]);
});

it("a device that was mounted over itself, and one below what a killed engine was removing, keep their files", async () => {
  const { Mountpoint } = bound();
  for (let count = 0; count < 2; count++) execFileSync("mount", ["--bind", source, Mountpoint]);
  await volumes.remove("bound");
  const removed = join(root, "volumes/.removed-1/_data");
  mkdirSync(removed, { recursive: true });
  execFileSync("mount", ["--bind", source, removed]);
  new Volumes(root).open();
  expect(existsSync(removed)).toBe(false);
  expect(readdirSync(source)).toEqual(["mine"]);
});
