import { expect, test } from "vitest";
import { busyboxBerth } from "../../support/busybox-berth.ts";
import { type TestProject, testProject } from "../../support/project.ts";
import { until } from "../../support/until.ts";

// A request that names services leaves what is on its way with others alone.
const berth = await busyboxBerth();

const idle = "image: busybox\n    stop_signal: SIGKILL\n    command: sleep 100000";
/** `slow` is healthy when a test says so, and `last` waits for it. */
const compose =
  `services:\n  slow:\n    ${idle}\n    healthcheck: {test: [CMD, test, -e, /ready], interval: 200ms, retries: 1000}\n` +
  `  last:\n    ${idle}\n    depends_on: {slow: {condition: service_healthy}}\n  other:\n    ${idle}\n`;
const running = async (project: TestProject) =>
  (await project.berth("ps", "--services", "--status", "running")).trim().split("\n").filter(Boolean).sort().join(" ");
const isRunning = (project: TestProject, services: string) =>
  until(async () => (await running(project)) === services, { timeoutMs: 20_000, what: services });
const makeReady = (project: TestProject) => project.berth("exec", "-T", "slow", "touch", "/ready");

test.each([
  ["stop", ["stop", "other"]],
  ["kill", ["kill", "other"]],
  ["rm", ["rm", "-sf", "other"]],
  ["down", ["down", "other"]],
])("%s of one service while an up waits for another: the up goes on without it", async (_, args) => {
  await using project = testProject(berth, compose);
  const up = project.try("up", "-d");
  await isRunning(project, "other slow");
  await project.berth(...args);
  expect(await running(project)).toBe("slow");
  await makeReady(project);
  expect((await up).exitCode).toBe(0);
  await isRunning(project, "last slow");
});

test("a stop of what the up does not name does not wait for it", async () => {
  await using project = testProject(berth, compose);
  await project.berth("up", "-d", "other");
  const up = project.try("up", "-d", "last");
  await isRunning(project, "other slow");
  await project.berth("stop", "other");
  expect(await running(project)).toBe("slow");
  await makeReady(project);
  expect((await up).exitCode).toBe(0);
  await isRunning(project, "last slow");
});

test("a stop of all that the up is about still cuts it off", async () => {
  await using project = testProject(berth, compose);
  const up = project.try("up", "-d");
  await isRunning(project, "other slow");
  await project.berth("stop");
  const { exitCode, stderr } = await up;
  expect([exitCode, stderr]).toEqual([130, expect.stringContaining("cut off, because a stop was asked for")]);
  expect(await running(project)).toBe("");
});

test("an orphan and a service that is not named stay on a network that is made again", async () => {
  await using project = testProject(berth, `services:\n  a:\n    ${idle}\n  b:\n    ${idle}\n  orphan:\n    ${idle}\n`);
  await project.berth("up", "-d");
  project.write("compose.yaml", `services:\n  a:\n    ${idle}\n  b:\n    ${idle}\nnetworks: {default: {labels: {changed: "yes"}}}\n`);
  await project.berth("up", "-d", "a");
  expect((await berth.ok(["docker", "ps", "--format", "{{.Names}}"])).trim().split("\n").sort()).toEqual(
    ["a", "b", "orphan"].map((service) => `${project.name}-${service}-1`),
  );
  for (const other of ["b", "orphan"])
    expect(await project.berth("exec", "-T", "a", "ping", "-c1", "-W2", other)).toContain("1 packets received");
  expect(await berth.ok(["docker", "exec", `${project.name}-orphan-1`, "ip", "route"])).toContain("default via");
});
