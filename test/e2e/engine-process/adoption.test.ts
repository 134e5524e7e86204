import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { hasEnded } from "../../../src/system/index.ts";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { loadBusybox, type TestProject, testProject } from "../../support/project.ts";
import { until } from "../../support/until.ts";

// A project's containers do not need the engine: it may stop, be killed, or find its files broken.
const compose =
  "services:\n  a:\n    image: busybox\n    stop_signal: SIGKILL\n    command: sh -c 'i=0; while :; do i=$$((i+1)); echo line $$i; sleep 0.05; done'\n";
const running = async (project: TestProject) => (await project.berth("ps", "--services", "--status", "running")).trim();
const pidOf = async (berth: Berth, name: string) => Number((await berth.ok(["docker", "inspect", "-f", "{{.State.Pid}}", name])).trim());

async function killEngine(berth: Berth): Promise<void> {
  const pid = berth.enginePid();
  process.kill(pid, "SIGKILL");
  await until(() => hasEnded(pid), { timeoutMs: 5000, what: "the engine's end" });
}

test("containers go on when the engine stops, and the next one shows them as they are", async () => {
  await using berth = await installedBerth();
  await loadBusybox(berth);
  await using project = testProject(berth, compose);
  await project.berth("up", "-d");
  const pid = await pidOf(berth, `${project.name}-a-1`);
  await berth.ok(["engine", "stop"]);
  expect(hasEnded(pid)).toBe(false);
  expect(await running(project)).toBe("a");
  expect(await pidOf(berth, `${project.name}-a-1`)).toBe(pid);
});

test("after kill -9 the next engine adopts what runs: no log line is lost, and an exit that nobody saw has its code", async () => {
  await using berth = await installedBerth();
  await loadBusybox(berth);
  await using project = testProject(
    berth,
    `${compose}  b:\n    image: busybox\n    command: sh -c 'trap "exit 9" TERM; while :; do sleep 0.05; done'\n`,
  );
  await project.berth("up", "-d");
  const pid = await pidOf(berth, `${project.name}-b-1`);
  await killEngine(berth);
  process.kill(pid, "SIGTERM"); // it ends while there is no engine
  await until(() => hasEnded(pid), { timeoutMs: 10_000, what: "the end of b" });
  expect(await running(project)).toBe("a");
  const state = await berth.ok(["docker", "inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", `${project.name}-b-1`]);
  expect(state.trim()).toBe("exited 9");
  const lineCount = async () => (await project.berth("logs", "--no-log-prefix", "a")).trim().split("\n").length;
  await until(async () => (await lineCount()) > 20, { timeoutMs: 20_000, what: "20 lines" });
  const numbers = (await project.berth("logs", "--no-log-prefix", "a"))
    .trim()
    .split("\n")
    .map((line) => Number(line.split(" ")[1]));
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
});

test("an unreadable record is moved aside and named; the rest goes on", async () => {
  await using berth = await installedBerth();
  await loadBusybox(berth);
  await using project = testProject(berth, compose);
  await project.berth("up", "-d");
  await berth.ok(["docker", "create", "--name", "broken", "busybox", "true"]);
  const id = (await berth.ok(["docker", "inspect", "-f", "{{.Id}}", "broken"])).trim();
  await berth.ok(["engine", "stop"]);
  const record = readdirSync(berth.root, { recursive: true, encoding: "utf8" }).find((file) => file.endsWith(`${id}.json`));
  expect(record).toBeDefined();
  writeFileSync(join(berth.root, record ?? ""), "{ not json");
  expect(await running(project)).toBe("a");
  expect((await berth.call(["docker", "inspect", "broken"])).exitCode).toBe(1);
  expect(await berth.ok(["engine", "status"])).toMatch(/could not be read and was moved aside: .*corrupt/);
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

test("a full disk is said to be full, and there is no half-made container", async () => {
  await using berth = await installedBerth();
  const small = join(berth.run, "small");
  mkdirSync(small);
  await execa("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", small]);
  const env = { BERTH_ROOT: small, BERTH_RUN: join(berth.run, "r") };
  try {
    const load = await berth.call(["image", "load"], { env, input: busyboxArchive() });
    expect(load.exitCode, load.stderr).toBe(0);
    await execa("sh", ["-c", `cat /dev/zero > ${small}/fill`], { reject: false });
    const create = await berth.call(["docker", "create", "--name", "xx", "busybox"], { env });
    expect([create.exitCode === 0, create.stderr]).toEqual([false, expect.stringMatching(/no space|disk is full|ENOSPC/i)]);
    await execa("rm", [`${small}/fill`]);
    expect((await berth.ok(["docker", "ps", "-aq"], { env })).trim()).toBe("");
    await berth.ok(["docker", "create", "--name", "xx", "busybox"], { env });
    await berth.ok(["docker", "rm", "xx"], { env });
  } finally {
    await berth.call(["engine", "stop"], { env });
    await execa("umount", ["-l", small]);
  }
});
