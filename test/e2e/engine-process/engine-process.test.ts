import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { type Berth, checkout, installedBerth } from "../../support/berth.ts";
import { loadBusybox, testProject } from "../../support/project.ts";
import { until } from "../../support/until.ts";

const compose =
  "services:\n  a:\n    image: busybox\n    stop_signal: SIGKILL\n    command: sh -c 'i=0; while :; do i=$$((i+1)); echo line $$i; sleep 0.05; done'\n";
const running = async (project: { berth(...args: string[]): Promise<string> }) =>
  (await project.berth("ps", "--services", "--status", "running")).trim();

async function kill(berth: Berth): Promise<void> {
  const pid = berth.enginePid();
  process.kill(pid, "SIGKILL");
  await until(() => !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z "), {
    timeoutMs: 5000,
    what: "the engine's end",
  });
}

test("is started on demand, says how it is, stops when told, and leaves the containers running", async () => {
  await using berth = await installedBerth();
  expect((await berth.call(["engine", "status"])).exitCode).not.toBe(0);
  await loadBusybox(berth);
  expect(await berth.ok(["engine", "status"])).toContain(String(berth.enginePid()));
  await using project = testProject(berth, compose);
  await project.berth("up", "-d");
  const pid = (await berth.ok(["docker", "inspect", "-f", "{{.State.Pid}}", `${project.name}-a-1`])).trim();
  await berth.ok(["engine", "stop"]);
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  expect(await running(project)).toBe("a");
});

test("after kill -9 the next engine adopts what runs: no log line is lost, and an exit that nobody saw has its code", async () => {
  await using berth = await installedBerth();
  await loadBusybox(berth);
  await using project = testProject(berth, `${compose}  b:\n    image: busybox\n    command: sh -c 'sleep 1; exit 9'\n`);
  await project.berth("up", "-d");
  await kill(berth);
  await new Promise((resolve) => setTimeout(resolve, 1500)); // b ends while there is no engine
  expect(await running(project)).toBe("a");
  const state = await berth.ok(["docker", "inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", `${project.name}-b-1`]);
  expect(state.trim()).toBe("exited 9");
  const numbers = (await project.berth("logs", "--no-log-prefix", "a"))
    .trim()
    .split("\n")
    .map((line) => Number(line.split(" ")[1]));
  expect(numbers.length).toBeGreaterThan(20);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
});

test("a stale socket is no obstacle", async () => {
  await using berth = await installedBerth();
  const server = createServer().listen(berth.socket);
  await new Promise((resolve) => server.once("listening", resolve));
  // Closing removes the file, a crash does not: put a file that nobody listens on in its place.
  await new Promise((resolve) => server.close(resolve));
  writeFileSync(berth.socket, "");
  expect(await berth.ok(["docker", "ps", "-q"])).toBe("");
});

test("a second engine on the same directory is refused by name", async () => {
  await using berth = await installedBerth();
  await berth.ok(["docker", "ps", "-q"]);
  const second = await berth.call(["engine"], { timeoutMs: 10_000 });
  expect(second.exitCode).not.toBe(0);
  expect(second.stderr).toContain(String(berth.enginePid()));
  const otherRun = await berth.call(["engine"], { env: { BERTH_RUN: `${berth.run}/other` }, timeoutMs: 10_000 });
  expect(otherRun.exitCode).not.toBe(0);
  expect(otherRun.stderr).toContain(berth.root);
});

test("many commands at once start one engine", async () => {
  await using berth = await installedBerth();
  const answers = await Promise.all([1, 2, 3, 4].map(() => berth.call(["docker", "ps", "-q"])));
  expect(answers.map((answer) => answer.exitCode)).toEqual([0, 0, 0, 0]);
});

test("an unreadable state file is moved aside and named; the rest goes on", async () => {
  await using berth = await installedBerth();
  await loadBusybox(berth);
  await using project = testProject(berth, compose);
  await project.berth("up", "-d");
  await berth.ok(["docker", "create", "--name", "broken", "busybox", "true"]);
  const id = (await berth.ok(["docker", "inspect", "-f", "{{.Id}}", "broken"])).trim();
  await berth.ok(["engine", "stop"]);
  const record = readdirSync(berth.root, { recursive: true, encoding: "utf8" }).find((file) => file.includes(id) && file.endsWith(".json"));
  expect(record).toBeDefined();
  writeFileSync(join(berth.root, record ?? ""), "{ not json");
  expect(await running(project)).toBe("a");
  expect((await berth.call(["docker", "inspect", "broken"])).exitCode).toBe(1);
  const aside = readdirSync(berth.root, { recursive: true, encoding: "utf8" }).filter((file) => file.includes("corrupt"));
  expect(aside).toHaveLength(1);
  expect(await berth.ok(["engine", "status"])).toContain("corrupt");
});

test("two engines with other directories do not see each other, and clean up apart", async () => {
  await using one = await installedBerth();
  await using two = await installedBerth();
  await loadBusybox(one);
  await loadBusybox(two);
  await using project = testProject(one, compose);
  await project.berth("up", "-d");
  expect((await two.ok(["docker", "ps", "-aq"])).trim()).toBe("");
  await using twin = testProject(two, compose);
  await twin.berth("up", "-d");
  await twin.berth("down");
  expect(await running(project)).toBe("a");
});

test("a container that is removed behind the engine's back is repaired by the next up", async () => {
  await using berth = await installedBerth();
  await loadBusybox(berth);
  await using project = testProject(berth, compose);
  await project.berth("up", "-d");
  await berth.ok(["docker", "rm", "-f", `${project.name}-a-1`]);
  await project.berth("up", "-d");
  expect(await running(project)).toBe("a");
});

test("a full disk is said to be full, and there is no half-made container", async () => {
  await using berth = await installedBerth();
  await loadBusybox(berth);
  await berth.ok(["engine", "stop"]);
  const small = join(berth.run, "small");
  mkdirSync(small);
  await execa("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", small]);
  try {
    const env = { BERTH_ROOT: small, BERTH_RUN: join(berth.run, "r") };
    const { busyboxArchive } = await import("../../support/busybox-image.ts");
    const first = await berth.call(["image", "load"], { env, input: busyboxArchive() });
    expect(first.exitCode, first.stderr).toBe(0);
    await execa("sh", ["-c", `cat /dev/zero > ${small}/fill || true`], { reject: false });
    const create = await berth.call(["docker", "create", "--name", "x", "busybox"], { env });
    expect(create.exitCode).not.toBe(0);
    expect(create.stderr).toMatch(/ENOSPC|no space|disk/i);
    await execa("rm", [`${small}/fill`]);
    expect((await berth.ok(["docker", "ps", "-aq"], { env })).trim()).toBe("");
    await berth.ok(["docker", "create", "--name", "x", "busybox"], { env });
    await berth.ok(["docker", "rm", "x"], { env });
    await berth.ok(["engine", "stop"], { env });
  } finally {
    await execa("umount", ["-l", small]);
  }
});

test("the launcher says how to build where there is no build", async () => {
  const answer = await execa(
    process.execPath,
    ["--input-type=module", "-e", readFileSync(join(checkout, "bin/berth"), "utf8").replace(/^#!.*\n/, "")],
    { cwd: "/", reject: false },
  );
  expect(answer.exitCode).not.toBe(0);
  expect(String(answer.stderr)).toMatch(/npm run build/);
});
