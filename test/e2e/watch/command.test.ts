import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { checkout } from "../../support/berth.ts";
import { busyboxBerth } from "../../support/busybox-berth.ts";
import { testProject } from "../../support/project.ts";
import { Terminal } from "../../support/terminal.ts";
import { until } from "../../support/until.ts";

// The development loop as it is typed: up --watch, watch, and the keys of an attached terminal.
const berth = await busyboxBerth();

const timeoutMs = 30_000;
const file = `services:
  web:
    build: .
    image: loop-command-web
    command: sh -c 'trap "exit 0" TERM; echo web begins; while :; do sleep 0.05; done'
    develop:
      watch:
        - action: sync
          path: ./src
          target: /app
          ignore: ["*.log"]
        - action: rebuild
          path: ./Dockerfile
  db:
    image: busybox
    command: sh -c 'trap "exit 0" TERM; echo needle in the db; while :; do sleep 0.05; done'
    ports: ["127.0.0.1::5432"]
`;

function loopProject() {
  const project = testProject(berth, file);
  mkdirSync(join(project.directory, "src"));
  const write = (path: string, text: string) => writeFileSync(join(project.directory, path), text);
  write("Dockerfile", "FROM busybox\nENV BUILD=one\n");
  write("src/a.txt", "old");
  const inside = async (command: string): Promise<string> => {
    const answer = await berth.call(["exec", "-T", "web", "sh", "-c", command], { cwd: project.directory });
    return answer.stdout.trim();
  };
  const sees = (command: string, text: string) =>
    until(async () => (await inside(command)) === text, { timeoutMs, what: `${command} prints ${text}` });
  return { project, write, inside, sees };
}

test("up -d --watch goes on in the engine, ps shows it, and down ends it", async () => {
  const { project, write, sees } = loopProject();
  await using _ = project;
  const up = await berth.call(["up", "-d", "--watch"], { cwd: project.directory });
  expect(up.exitCode, up.stderr).toBe(0);
  write("src/a.txt", "new");
  write("src/x.log", "ignored");
  await sees("cat /app/a.txt; ls /app", "newa.txt");
  const ps = await berth.call(["ps"], { cwd: project.directory });
  expect(ps.stderr).toContain("watching the sources; last: web: src/a.txt: 1 copied");
  await berth.ok(["down"], { cwd: project.directory });
  const [status] = JSON.parse(await berth.ok(["ls", "--all", "--format", "json"])) as unknown[];
  expect(status).toBeUndefined();
});

test("watch brings the project up, says what it does, and ends with Ctrl-C; the services go on", async () => {
  const { project, write, sees } = loopProject();
  await using _ = project;
  const child = execa(join(checkout, "bin/berth"), ["watch"], {
    cwd: project.directory,
    env: berth.env,
    extendEnv: false,
    reject: false,
    stdin: "ignore",
  });
  let said = "";
  child.stdout.on("data", (data: Buffer) => (said += data));
  await until(() => said.includes("web: watching"), { timeoutMs: 60_000, what: "watching" });
  write("src/a.txt", "new");
  await sees("cat /app/a.txt", "new");
  write("Dockerfile", "FROM busybox\nENV BUILD=two\n");
  await sees("echo $BUILD", "two");
  write("Dockerfile", "FROM busybox\nRUN echo what broke it; exit 7\n");
  await until(() => said.includes("what broke it") && said.includes("the old container goes on"), { timeoutMs, what: "the failed build" });
  child.kill("SIGINT");
  expect((await child).exitCode).toBe(130);
  await sees("echo $BUILD", "two");
  write("src/a.txt", "after the end");
  const again = await berth.call(["ps"], { cwd: project.directory });
  expect(again.stderr).not.toContain("watching");
});

test("watch refuses where there is nothing to watch by, and --no-up where nothing is up", async () => {
  await using plain = testProject(berth, "services:\n  a:\n    image: busybox\n");
  const none = await berth.call(["watch"], { cwd: plain.directory });
  expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining("none of the services has rules to watch by")]);
  const { project } = loopProject();
  await using _ = project;
  const down = await berth.call(["watch", "--no-up"], { cwd: project.directory });
  expect([down.exitCode, down.stderr]).toEqual([1, expect.stringContaining("is not up")]);
});

describe("an attached terminal", () => {
  test("has a status line, and a key for each thing", async () => {
    const { project, write, sees } = loopProject();
    await using _ = project;
    using terminal = new Terminal(berth, project.directory, ["up", "--watch"], [160, 30]);
    await terminal.shows(/✔ web {2}✔ db \| 127\.0\.0\.1:\d+ \| watch on \| \? help/);
    write("src/a.txt", "new");
    await terminal.shows(/watch +\| web: src\/a.txt: 1 copied/);
    terminal.keys("?");
    await terminal.shows("w watch on/off");
    terminal.keys("w");
    await terminal.shows("| watch off |");
    terminal.keys("w");
    await terminal.shows("| watch on |");
    terminal.keys("/");
    terminal.keys("n", "e", "e", "d", "l", "e", "Enter");
    await terminal.shows(/--- 1 of the last \d+ lines have "needle" in them/);
    terminal.keys("Escape");
    await terminal.shows("| watch on | ? help"); // before the next key: Escape and a letter are Alt with it
    terminal.keys("l");
    await terminal.shows("show only 1 web  2 db");
    terminal.keys("2");
    await terminal.shows("| only db |");
    terminal.keys("Escape");
    await terminal.shows("| watch on | ? help");
    terminal.keys("s", "d", "Enter");
    await terminal.shows(/✔ web {2}✘ db exited/);
    terminal.keys("s", "d", "Enter");
    await terminal.shows(/✔ web {2}✔ db/);
    terminal.keys("r", "1");
    await until(() => terminal.screen({ history: true }).split("web begins").length > 2, { timeoutMs, what: "a second start of web" });
    write("Dockerfile", "FROM busybox\nENV BUILD=three\n");
    await terminal.shows("web: rebuilt");
    await sees("echo $BUILD", "three");
    terminal.keys("o");
    await terminal.shows(/open(ed)? http:\/\/127\.0\.0\.1:\d+/);
    terminal.keys("d");
    expect(await terminal.exitCode()).toBe(0);
    write("src/a.txt", "detached");
    await sees("cat /app/a.txt", "detached");
  });

  test("--no-menu leaves the terminal alone, and Ctrl-C ends the watch with everything else", async () => {
    const { project } = loopProject();
    await using _ = project;
    using terminal = new Terminal(berth, project.directory, ["up", "--watch", "--no-menu"], [120, 30]);
    await terminal.shows("web: watching");
    expect(terminal.screen()).not.toContain("? help");
    terminal.keys("C-c");
    expect(await terminal.exitCode()).toBe(130);
    expect((await berth.call(["ps", "-a"], { cwd: project.directory })).stderr).not.toContain("watching");
  });
});
