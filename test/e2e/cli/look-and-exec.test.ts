import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ContainerCreateBody } from "../../../src/api/index.ts";
import { EngineClient } from "../../../src/cli/client/index.ts";
import { type Berth, checkout, installedBerth } from "../../support/berth.ts";
import { loadBusybox, testProject } from "../../support/project.ts";
import { until } from "../../support/until.ts";

// Containers with Compose's labels, whoever made them, are a project.
let berth: Berth;
let cwd: string;
let client: EngineClient;
const ids: string[] = [];

beforeAll(async () => {
  berth = await installedBerth();
  cwd = mkdtempSync("/var/tmp/berthproj-");
  writeFileSync(join(cwd, "compose.yaml"), "name: shop\nservices: {web: {image: busybox}, worker: {image: busybox}}\n");
  await berth.ok(["ps"], { cwd }); // starts the engine
  client = new EngineClient(berth.socket);
  await loadBusybox(berth);
  await start("web", ["sh", "-c", "echo one; sleep 0.1; echo two >&2; exec sleep 1000"]);
  await start("worker", ["sh", "-c", "echo done; exit 3"]);
});
afterAll(async () => {
  for (const id of ids) await client.json("DELETE", `/containers/${id}`, { query: { force: true } });
  client?.close();
  rmSync(cwd, { recursive: true, force: true });
  await berth?.[Symbol.asyncDispose]();
});

async function start(service: string, command: string[]): Promise<void> {
  const body: ContainerCreateBody = {
    Image: "busybox",
    Cmd: command,
    StopSignal: "SIGKILL",
    ...(service === "web" ? { HostConfig: { PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1" }] } } } : {}),
    Labels: {
      "com.docker.compose.project": "shop",
      "com.docker.compose.service": service,
      "com.docker.compose.container-number": "1",
      "com.docker.compose.oneoff": "False",
    },
  };
  const { Id } = await client.json<{ Id: string }>("POST", "/containers/create", { query: { name: `shop-${service}-1` }, body });
  ids.push(Id);
  await client.json("POST", `/containers/${Id}/start`);
}

test("ps: what runs, what ended, and for programs", async () => {
  await until(async () => (await berth.ok(["ps", "--status", "exited", "-q"], { cwd })) !== "", {
    timeoutMs: 10_000,
    what: "the worker's end",
  });
  expect((await berth.ok(["ps", "--services"], { cwd })).trim()).toBe("web");
  expect((await berth.ok(["ps", "-aq", "--no-trunc"], { cwd })).trim().split("\n")).toEqual(ids);
  const rows = (await berth.ok(["ps", "-a", "--format", "json"], { cwd }))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rows.map(({ Name, Service, State, ExitCode }) => ({ Name, Service, State, ExitCode }))).toEqual([
    { Name: "shop-web-1", Service: "web", State: "running", ExitCode: 0 },
    { Name: "shop-worker-1", Service: "worker", State: "exited", ExitCode: 3 },
  ]);
  expect((await berth.ok(["ps"], { cwd })).split("\n")[0]).toMatch(/^NAME +IMAGE +COMMAND +SERVICE +CREATED +STATUS +PORTS$/);
});

test("logs: aligned, of one service, the tail, with times", async () => {
  await until(async () => (await berth.ok(["logs", "web"], { cwd })).includes("two"), { timeoutMs: 10_000, what: "the output" });
  expect((await berth.ok(["logs"], { cwd })).trim().split("\n")).toEqual(["web-1     | one", "web-1     | two", "worker-1  | done"]);
  expect((await berth.ok(["logs", "--no-log-prefix", "-n", "1", "web"], { cwd })).trim()).toBe("two");
  expect(await berth.ok(["logs", "-t", "--no-log-prefix", "worker"], { cwd })).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z done/);
});

test("logs of a driver that keeps none are no reason to leave out the others", async () => {
  const quiet = "a: {image: busybox, command: sleep 1000, logging: {driver: none}}";
  await using project = testProject(berth, `services: {${quiet}, b: {image: busybox, command: echo kept}}\n`);
  await project.berth("up", "-d");
  const { exitCode, stdout, stderr } = await project.try("logs");
  expect([exitCode, stdout.trim()]).toEqual([0, "b-1  | kept"]);
  expect(stderr).toMatch(/Can't retrieve logs for "\S+-a-1": configured logging driver does not support reading/);
});

test("logs -f goes on until Ctrl-C, and ends by itself where nothing runs", async () => {
  const following = execa(join(checkout, "bin/berth"), ["logs", "-f", "web"], { cwd, env: berth.env, extendEnv: false, reject: false });
  await client
    .json("POST", `/containers/${ids[0]}/exec`, { body: { Cmd: ["sh", "-c", "echo three > /proc/1/fd/1"] } })
    .then((exec) => client.json("POST", `/exec/${(exec as { Id: string }).Id}/start`, { body: { Detach: true } }));
  for await (const line of following) if (line === "web-1  | three") following.kill("SIGINT");
  expect((await following).exitCode).toBe(0);
  expect((await berth.ok(["logs", "-f", "worker"], { cwd })).trim()).toBe("worker-1  | done");
});

test("exec: exit codes, environment, user, directory, input", async () => {
  const inside = (...args: string[]) => berth.call(["exec", "-T", ...args], { cwd });
  expect((await inside("web", "sh", "-c", "exit 5")).exitCode).toBe(5);
  expect((await inside("-e", "B=2", "-u", "www-data", "-w", "/tmp", "web", "sh", "-c", "echo $B $(id -un) $(pwd)")).stdout.trim()).toBe(
    "2 www-data /tmp",
  );
  expect((await berth.call(["exec", "-T", "web", "cat"], { cwd, input: "through\n" })).stdout.trim()).toBe("through");
  const missing = await inside("web", "no-such-command");
  expect([missing.exitCode, missing.stdout]).toEqual([127, expect.stringContaining("no-such-command")]);
});

test("a service that is not there, or does not run, is named, with those that are", async () => {
  const unknown = await berth.call(["logs", "wbe"], { cwd });
  expect(unknown.exitCode).toBe(1);
  expect(unknown.stderr).toMatch(/no such service: wbe[\s\S]*web, worker/);
  expect((await berth.call(["exec", "worker", "ls"], { cwd })).stderr).toContain('"worker" is not running');
  const nowhere = await berth.call(["ps"], { cwd: "/" });
  expect([nowhere.exitCode, nowhere.stderr]).toEqual([14, expect.stringContaining("no Compose file in /")]);
});

test("port says where, top says what runs", async () => {
  const where = (await berth.ok(["port", "web", "80"], { cwd })).trim();
  expect(where).toMatch(/^127\.0\.0\.1:\d+$/);
  const none = await berth.call(["port", "web", "81"], { cwd });
  expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining("It publishes 80/tcp")]);
  const processes = (await berth.ok(["top"], { cwd })).trim().split("\n");
  expect(processes[0]).toMatch(/^SERVICE +# +UID +PID /);
  expect(processes[1]).toMatch(/^web +1 +root .*sleep 1000$/);
});
