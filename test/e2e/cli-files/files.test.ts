import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Berth, checkout, installedBerth } from "../../support/berth.ts";
import { loadBusybox, type TestProject, testProject } from "../../support/project.ts";

// What goes into containers and comes out of them: cp, commit, export, stats.
let berth: Berth;
let project: TestProject;
beforeAll(async () => {
  berth = await installedBerth();
  await loadBusybox(berth);
  project = testProject(
    berth,
    "name: shop\nservices:\n  web:\n    image: busybox\n    command: sleep 1000\n    stop_signal: SIGKILL\n    scale: 2\n",
  );
  await project.berth("up", "-d");
});
afterAll(async () => {
  await project?.[Symbol.asyncDispose]();
  await berth?.[Symbol.asyncDispose]();
});

const inside = (...command: string[]) => project.berth("exec", "-T", ...command);
const local = (name: string) => join(project.directory, name);

test("cp into all containers of a service, or into the one that is meant", async () => {
  project.write("a.txt", "one");
  const answer = await project.try("cp", "a.txt", "web:/tmp/b.txt");
  expect([answer.exitCode, answer.stderr]).toEqual([0, expect.stringContaining("shop-web-2 copy a.txt to shop-web-2:/tmp/b.txt Copied")]);
  for (const index of ["1", "2"]) expect(await inside("--index", index, "web", "cat", "/tmp/b.txt")).toBe("one");
  project.write("a.txt", "two");
  await project.berth("cp", "--index", "2", "a.txt", "web:/tmp/b.txt");
  expect(await inside("--index", "1", "web", "cat", "/tmp/b.txt")).toBe("one");
  expect(await inside("--index", "2", "web", "cat", "/tmp/b.txt")).toBe("two");
});

test("directories: into one that is there, as a new one, their contents; links stay links", async () => {
  mkdirSync(local("src/deep"), { recursive: true });
  writeFileSync(local("src/deep/x, [y].txt"), "x");
  symlinkSync("deep/x, [y].txt", local("src/link"));
  await project.berth("cp", "src", "web:/tmp");
  await project.berth("cp", "src", "web:/tmp/new");
  await project.berth("cp", "src/.", "web:/opt");
  const list = (path: string) => inside("web", "sh", "-c", `cd ${path} && find . | sort`).then((text) => text.trim().split("\n"));
  const tree = [".", "./deep", "./deep/x, [y].txt", "./link"];
  expect(await list("/tmp/src")).toEqual(tree);
  expect(await list("/tmp/new")).toEqual(tree);
  expect(await list("/opt")).toEqual(tree);
  expect((await inside("web", "readlink", "/tmp/new/link")).trim()).toBe("deep/x, [y].txt");
  await project.berth("cp", "-L", "src/link", "web:/tmp/followed");
  expect(await inside("web", "cat", "/tmp/followed")).toBe("x");
});

test("and back, under another name or not", async () => {
  await inside("web", "sh", "-c", "mkdir -p /out/sub && echo hello > /out/sub/f && ln -s sub/f /out/l && chmod 640 /out/sub/f");
  await project.berth("cp", "web:/out", "back");
  expect(readFileSync(local("back/sub/f"), "utf8")).toBe("hello\n");
  expect(lstatSync(local("back/sub/f")).mode & 0o777).toBe(0o640);
  expect(readlinkSync(local("back/l"))).toBe("sub/f");
  await project.berth("cp", "web:/out", ".");
  await project.berth("cp", "web:/out/sub/f", "renamed");
  expect([existsSync(local("out/sub/f")), readFileSync(local("renamed"), "utf8")]).toEqual([true, "hello\n"]);
  await project.berth("cp", "-L", "web:/out/l", "followed");
  expect(readFileSync(local("followed"), "utf8")).toBe("hello\n");
});

test("through a pipe, in both directions", async () => {
  const tar = await execa(`${checkout}/bin/berth`, ["cp", "web:/out/sub/f", "-"], {
    cwd: project.directory,
    env: berth.env,
    extendEnv: false,
    encoding: "buffer",
  });
  for (const index of ["1", "2"]) await inside("--index", index, "web", "mkdir", "-p", "/from-pipe");
  const back = await berth.call(["cp", "-", "web:/from-pipe"], { cwd: project.directory, input: Buffer.from(tar.stdout) });
  expect([back.exitCode, back.stderr]).toEqual([0, expect.stringContaining("Copied")]);
  for (const index of ["1", "2"]) expect(await inside("--index", index, "web", "cat", "/from-pipe/f")).toBe("hello");
});

test("what cannot be copied is said in one sentence", async () => {
  const wrong: [string[], RegExp][] = [
    [["nothing", "web:/tmp"], /no such file or directory: .*nothing/],
    [["web:/nothing", "."], /nothing/],
    [["a.txt", "web:/tmp/nowhere/"], /no such directory/],
    [["src", "web:/etc/passwd"], /cannot copy a directory/],
    [["a.txt", "b.txt"], /one of the two must be SERVICE:PATH/],
    [["web:/a", "web:/b"], /between services/],
    [["a.txt", "wbe:/tmp"], /no such service: wbe/],
  ];
  for (const [args, message] of wrong) {
    const answer = await project.try("cp", ...args);
    expect([args, answer.exitCode === 0, answer.stderr]).toEqual([args, false, expect.stringMatching(message)]);
    expect(answer.stderr).not.toMatch(/^\s+at /m);
  }
});

test("commit makes an image of what a container has become", async () => {
  await inside("web", "sh", "-c", "echo kept > /kept");
  await project.berth("commit", "-m", "for now", "-a", "me", "-c", "ENV A=b", "web", "kept:now");
  expect(await berth.ok(["docker", "run", "--rm", "kept:now", "sh", "-c", "cat /kept; echo $A"])).toBe("kept\nb");
});

test("export is the whole file system", async () => {
  await project.berth("export", "-o", "web.tar", "web");
  const { stdout } = await execa("tar", ["-tf", local("web.tar")]);
  expect(stdout.split("\n")).toEqual(expect.arrayContaining(["bin/busybox", "etc/passwd"]));
});

test("stats: once, for programs, in a template of one's own", async () => {
  const [head, first] = (await project.berth("stats", "--no-stream")).split("\n");
  expect(head).toMatch(/^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS$/);
  expect(first).toMatch(/^[0-9a-f]{12} +shop-web-1 +\d+\.\d\d% +[\d.]+(Ki|Mi)?B \/ [\d.]+GiB /);
  const row = JSON.parse((await project.berth("stats", "--no-stream", "--format", "json")).split("\n")[0] ?? "");
  expect(row).toMatchObject({ Name: "shop-web-1", PIDs: "1", CPUPerc: expect.stringMatching(/%$/) });
  expect((await project.berth("stats", "--no-stream", "--format", "{{.Name}}={{.PIDs}}")).trim().split("\n")).toEqual([
    "shop-web-1=1",
    "shop-web-2=1",
  ]);
});
