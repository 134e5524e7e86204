import { linkSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { loadBusybox } from "../../support/project.ts";
import { until } from "../../support/until.ts";

let berth: Berth;
const directory = mkdtempSync("/var/tmp/berth-sources-");
const here = { cwd: directory };
const timeoutMs = 30_000;

beforeAll(async () => {
  berth = await installedBerth();
  await loadBusybox(berth);
  write("src/a.txt", "old");
  write("real/a.txt", "old");
  symlinkSync("real", join(directory, "linked"));
  write("one.conf", "old");
  write("context/.dockerignore", "*.md\n!KEEP.md\n");
  write("context/Dockerfile", "FROM busybox\n");
  write(
    "compose.yaml",
    `name: sources
services:
  web:
    image: busybox
    command: [sh, -c, "mkdir -p /data/real && ln -s /data/real /way; mkdir /owned && chown 12:34 /owned; touch /begun; exec sleep 100000"]
    stop_signal: SIGKILL
    develop:
      watch:
        - {action: sync, path: ./src, target: /app, ignore: ["**/gen/*", "!**/gen/kept.txt"]}
        - {action: sync, path: ./src, target: /second, include: ["*.txt"], ignore: ["secret.txt"]}
        - {action: sync, path: ./linked, target: /linked}
        - {action: sync, path: ./one.conf, target: /etc/one.conf}
        - {action: sync, path: ./src, target: /owned}
        - {action: sync, path: ./src, target: /way}
  many:
    image: busybox
    command: [sleep, "100000"]
    stop_signal: SIGKILL
    scale: 3
    develop: {watch: [{action: sync, path: ./src, target: /app, initial_sync: true}]}
  ignoring:
    build: ./context
    command: [sleep, "100000"]
    stop_signal: SIGKILL
    develop: {watch: [{action: sync, path: ./context, target: /app}]}
  locked:
    image: busybox
    command: [sleep, "100000"]
    stop_signal: SIGKILL
    read_only: true
    tmpfs: [/work]
    develop: {watch: [{action: sync, path: ./src, target: /work/src}]}
  absent:
    image: busybox
    profiles: [other]
    develop: {watch: [{action: sync, path: ./nowhere, target: /app}]}
`,
  );
  const said = await berth.call(["up", "-d", "--watch"], { ...here, timeoutMs: 120_000 });
  expect(said.exitCode, said.stderr).toBe(0);
  expect(said.stderr, "a service of a profile that is not active").not.toContain("nowhere");
  await sees("ls /begun", "/begun");
}, 180_000);
afterAll(async () => {
  await berth?.call(["down", "-t", "0"], here);
  rmSync(directory, { recursive: true, force: true });
  await berth?.[Symbol.asyncDispose]();
});
beforeEach(() => write("src/a.txt", "old"));

function write(path: string, text: string): void {
  const file = join(directory, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

async function inside(command: string, name = "web-1"): Promise<string> {
  const answer = await berth.call(["docker", "exec", `sources-${name}`, "sh", "-c", command]);
  return answer.stdout.trimEnd();
}
const sees = (command: string, text: string, name?: string) =>
  until(async () => (await inside(command, name)) === text, { timeoutMs, what: `${command} prints ${JSON.stringify(text)}` });

describe("how files are saved", () => {
  it.each([
    ["sed -i", "sed -i s/.*/new/ src/a.txt"],
    ["a rename over it", "printf new > src/.a.txt.tmp && mv src/.a.txt.tmp src/a.txt"],
    ["a backup by rename, then a new file", "mv src/a.txt src/a.txt~ && printf new > src/a.txt && rm src/a.txt~"],
    ["vim with a backup", "vim -u NONE -es -c 'set backup writebackup backupcopy=no' -c '%s/.*/new/' -c 'wq' src/a.txt"],
    ["an emacs lock beside it", "ln -s who@where.1:2 src/.#a.txt && printf new > src/a.txt && rm src/.#a.txt"],
  ])("%s", async (_, command) => {
    await sees("cat /app/a.txt", "old");
    await execa("sh", ["-c", command], { cwd: directory, env: { TERM: "dumb" } });
    await sees("cat /app/a.txt", "new");
    rmSync(join(directory, "src/a.txt~"), { force: true });
    await sees("ls -A /app", "a.txt");
  });

  it("a directory with files that is moved in, renamed and moved out", async () => {
    write("away/deep/b.txt", "b");
    renameSync(join(directory, "away"), join(directory, "src/lib"));
    await sees("cat /app/lib/deep/b.txt", "b");
    renameSync(join(directory, "src/lib"), join(directory, "src/other"));
    await sees("ls /app; cat /app/other/deep/b.txt", "a.txt\nother\nb");
    write("src/other/deep/c.txt", "c");
    await sees("cat /app/other/deep/c.txt", "c");
    renameSync(join(directory, "src/other"), join(directory, "away"));
    await sees("ls /app", "a.txt");
  });

  it("a second name of a file of elsewhere", async () => {
    write("elsewhere.txt", "content");
    linkSync(join(directory, "elsewhere.txt"), join(directory, "src/hard.txt"));
    await sees("cat /app/hard.txt", "content");
    rmSync(join(directory, "src/hard.txt"));
    await sees("ls /app", "a.txt");
  });

  it("git checkout of a branch with hundreds of others", async () => {
    const git = (...args: string[]) =>
      execa("git", ["-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "init.defaultBranch=main", ...args], {
        cwd: join(directory, "src"),
      });
    await git("init", "-q");
    await git("add", "-A");
    await git("commit", "-qm", "first");
    await git("checkout", "-qb", "other");
    for (let file = 0; file < 300; file++) write(`src/d${file % 20}/f${file}`, `v${file}`);
    await git("add", "-A");
    await git("commit", "-qm", "second");
    await sees("find /app -type f | wc -l", "301");
    await git("checkout", "-q", "main");
    await sees("find /app | wc -l", "2");
    await git("checkout", "-q", "other");
    await sees("find /app -type f | wc -l; cat /app/d19/f299", "301\nv299");
    await git("checkout", "-q", "main");
    await sees("find /app | wc -l", "2");
    rmSync(join(directory, "src/.git"), { recursive: true });
  }, 120_000);
});

describe("rules", () => {
  it("take a link to a directory, and a file", async () => {
    write("real/a.txt", "new");
    write("one.conf", "new");
    await sees("cat /linked/a.txt /etc/one.conf", "newnew");
  });

  it("each copy what they match; what is excepted from ignore is taken, and ignore goes before include", async () => {
    write("src/gen/left.txt", "x");
    write("src/gen/kept.txt", "x");
    write("src/secret.txt", "x");
    write("src/pic.png", "x");
    write("src/last.txt", "x");
    await sees("ls /app /app/gen", "/app:\na.txt\ngen\nlast.txt\npic.png\nsecret.txt\n\n/app/gen:\nkept.txt");
    await sees("ls /second | grep -v gen", "a.txt\nlast.txt");
    for (const path of ["gen", "secret.txt", "pic.png", "last.txt"]) rmSync(join(directory, "src", path), { recursive: true });
    await sees("ls /app", "a.txt");
  });

  it("leave what .dockerignore leaves, but for its exceptions", async () => {
    write("context/README.md", "x");
    write("context/KEEP.md", "x");
    write("context/last.txt", "x");
    await sees("ls /app", "KEEP.md\nlast.txt", "ignoring-1");
  });
});

describe("containers", () => {
  it("of one service all get the files, also one that comes later", async () => {
    write("src/a.txt", "all");
    for (const number of [1, 2, 3]) await sees("cat /app/a.txt", "all", `many-${number}`);
    await berth.ok(["up", "-d", "--no-recreate", "--scale", "many=4", "many"], here);
    await sees("cat /app/a.txt", "all", "many-4");
  });

  it("are written where a directory's owner, and a link as the target itself, say", async () => {
    write("src/a.txt", "mine");
    await sees("cat /owned/a.txt /data/real/a.txt; stat -c %u:%g /owned/a.txt", "minemine12:34");
    expect(readFileSync(join(directory, "src/a.txt"), "utf8")).toBe("mine");
  });

  it("that are read-only have what is writable in them written", async () => {
    write("src/a.txt", "there");
    await sees("cat /work/src/a.txt", "there", "locked-1");
  });

  it("that are made anew have everything that was changed", async () => {
    write("src/a.txt", "kept");
    await sees("cat /app/a.txt", "kept");
    await berth.ok(["up", "-d", "--force-recreate", "web"], { ...here, timeoutMs: 120_000 });
    await sees("cat /app/a.txt", "kept");
  });
});
