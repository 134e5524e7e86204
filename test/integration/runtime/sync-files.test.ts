import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type SyncJob, syncFiles } from "../../../src/runtime/index.ts";
import { until } from "../../support/until.ts";

/** A process whose root is a directory: to the kernel what a container's is. */
const directory = mkdtempSync("/var/tmp/berth-sync-");
const [rootfs, source, outside] = ["root", "source", "outside"].map((name) => join(directory, name)) as [string, string, string];
let child: ChildProcess;

beforeAll(async () => {
  for (const path of [rootfs, source, outside, join(rootfs, "app"), join(rootfs, "etc")]) mkdirSync(path);
  copyFileSync("/bin/busybox", join(rootfs, "busybox"));
  chmodSync(join(rootfs, "busybox"), 0o755);
  child = spawn("chroot", [rootfs, "/busybox", "sleep", "1000"]);
  await until(() => lstatSync(`/proc/${child.pid}/root/`).ino === lstatSync(rootfs).ino, { timeoutMs: 20_000, what: "the process's root" });
});
afterAll(() => {
  child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

function sync(paths: readonly string[], o: Partial<SyncJob> = {}) {
  return syncFiles({
    pid: child.pid ?? 0,
    rootfs,
    target: "/app",
    isFile: false,
    ifDifferent: false,
    copies: paths.map((path) => ({ from: join(source, path), to: path })),
    ...o,
  });
}

function write(path: string, text: string, mode = 0o644): void {
  mkdirSync(join(source, path, ".."), { recursive: true });
  writeFileSync(join(source, path), text);
  chmodSync(join(source, path), mode);
}
const inside = (path: string) => join(rootfs, path);

test("files, links and empty directories arrive with mode and time, owned as the target is", async () => {
  chownSync(inside("app"), 1000, 1001);
  write("a/b.txt", "text", 0o640);
  write("run.sh", "#!/bin/sh", 0o4755);
  mkdirSync(join(source, "empty"));
  symlinkSync("../a/b.txt", join(source, "a/link"));
  utimesSync(join(source, "a/b.txt"), 1000, 1234.5);
  expect(await sync(["a", "a/b.txt", "run.sh", "empty", "a/link"])).toEqual({ copied: 5, removed: 0, failures: [] });
  const stat = lstatSync(inside("app/a/b.txt"));
  expect([stat.mode & 0o7777, stat.uid, stat.gid, stat.mtimeMs]).toEqual([0o640, 1000, 1001, 1_234_500]);
  expect(lstatSync(inside("app/run.sh")).mode & 0o7777).toBe(0o4755);
  expect(lstatSync(inside("app/a")).uid).toBe(1000);
  expect(readlinkSync(inside("app/a/link"))).toBe("../a/b.txt");
  expect(readdirSync(inside("app/empty"))).toEqual([]);
});

test("a file that is replaced keeps its owner, is never half written, and is left alone where it is the same", async () => {
  write("own.txt", "one");
  writeFileSync(inside("app/own.txt"), "old");
  chownSync(inside("app/own.txt"), 33, 34);
  const before = lstatSync(inside("app/own.txt")).ino;
  await sync(["own.txt"]);
  const after = lstatSync(inside("app/own.txt"));
  expect([after.uid, after.gid, readFileSync(inside("app/own.txt"), "utf8")]).toEqual([33, 34, "one"]);
  expect(after.ino).not.toBe(before);
  expect(await sync(["own.txt"], { ifDifferent: true })).toEqual({ copied: 0, removed: 0, failures: [] });
});

test("what was deleted is deleted, with all below; what took the place of something else replaces it", async () => {
  write("gone/x/y", "1");
  write("kind", "file");
  await sync(["gone/x/y", "kind"]);
  writeFileSync(inside("app/gone/x/made-inside"), "");
  rmSync(join(source, "gone"), { recursive: true });
  rmSync(join(source, "kind"));
  write("kind/now-a-directory", "2");
  expect(await sync(["gone", "gone/x/y", "kind/now-a-directory"])).toEqual({ copied: 1, removed: 1, failures: [] });
  expect([existsSync(inside("app/gone")), readFileSync(inside("app/kind/now-a-directory"), "utf8")]).toEqual([false, "2"]);
  rmSync(join(source, "kind"), { recursive: true });
  write("kind", "file again");
  await sync(["kind"]);
  expect(readFileSync(inside("app/kind"), "utf8")).toBe("file again");
});

test("a link in the container leads nowhere out of the target", async () => {
  for (const [name, to] of [
    ["abs", outside],
    ["up", "../etc"],
    ["magic", "/proc/self/root/etc"],
  ] as const) {
    symlinkSync(to, inside(`app/${name}`));
    write(`${name}/evil`, "x");
    const { copied, failures } = await sync([`${name}/evil`]);
    expect([copied, failures]).toEqual([0, [expect.stringMatching(/leads out of the target/)]]);
  }
  expect([readdirSync(outside), readdirSync(inside("etc"))]).toEqual([[], []]);
  // A link at the place of the file itself is replaced, not followed.
  writeFileSync(join(outside, "kept"), "kept");
  symlinkSync(join(outside, "kept"), inside("app/file"));
  write("file", "new");
  await sync(["file"]);
  expect([readFileSync(join(outside, "kept"), "utf8"), readFileSync(inside("app/file"), "utf8")]).toEqual(["kept", "new"]);
  // Neither is a directory's tree left when it is removed.
  symlinkSync(outside, inside("app/kind-of"));
  mkdirSync(inside("app/tree"));
  symlinkSync(outside, inside("app/tree/link"));
  await sync(["tree", "kind-of"]);
  expect([existsSync(inside("app/tree")), readdirSync(outside)]).toEqual([false, ["kept"]]);
});

test("the target is resolved as the container sees it, and made where it does not exist", async () => {
  mkdirSync(inside("srv/real"), { recursive: true });
  symlinkSync("/srv/real", inside("link-to-target"));
  write("t.txt", "t");
  await sync(["t.txt"], { target: "/link-to-target/deep" });
  expect(readFileSync(inside("srv/real/deep/t.txt"), "utf8")).toBe("t");
  await sync([], { target: "/one.txt", isFile: true, copies: [{ from: join(source, "t.txt"), to: "" }] });
  expect(readFileSync(inside("one.txt"), "utf8")).toBe("t");
});

test("a process that is not the container's is not written to", async () => {
  await expect(sync(["t.txt"], { pid: process.pid })).rejects.toThrow("not running");
  await expect(sync(["t.txt"], { pid: 2 ** 22 + 1 })).rejects.toThrow("not running");
});
