import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Berth, checkout, installedBerth } from "../../support/berth.ts";
import { loadBusybox, type TestProject, testProject } from "../../support/project.ts";
import { Terminal } from "../../support/terminal.ts";
import { until } from "../../support/until.ts";

// One-off containers: `run`, and `attach` to the main process of one that runs.
let berth: Berth;
let project: TestProject;
beforeAll(async () => {
  berth = await installedBerth();
  await loadBusybox(berth);
  project = testProject(
    berth,
    `name: shop
services:
  web:
    image: busybox
    command: echo its own words
    environment: {COLOR: blue, SIZE: big}
    depends_on: [db]
    stop_signal: SIGKILL
    ports: ["127.0.0.1::80"]
  db:
    image: busybox
    command: sh -c 'echo ready; exec sleep 1000'
    stop_signal: SIGKILL
  shell:
    image: busybox
    command: sh
    tty: true
    stdin_open: true
    stop_signal: SIGKILL
  echo:
    image: busybox
    command: sh -c 'trap "exit 4" INT; while read -t 60 line; do echo "$$line"; done'
    stdin_open: true
    stop_signal: SIGKILL
    profiles: [never]
`,
    { "more.env": "# comment\nFROM_FILE=yes\nHOME_OF\n" },
  );
});
afterAll(async () => {
  await project?.[Symbol.asyncDispose]();
  await berth?.[Symbol.asyncDispose]();
});

const oneOffs = async () =>
  (await berth.ok(["docker", "ps", "-aq", "--filter", "label=com.docker.compose.oneoff=True"])).split("\n").filter(Boolean);

test("runs the service's command or another one, after its dependencies; output on stdout, the rest on stderr", async () => {
  const own = await project.try("run", "--rm", "web");
  expect([own.exitCode, own.stdout]).toEqual([0, "its own words"]);
  expect(own.stderr).toContain("Container shop-db-1  Started");
  expect((await project.berth("run", "--rm", "web", "sh", "-c", "echo $COLOR $SIZE")).trim()).toBe("blue big");
  expect(await oneOffs()).toEqual([]);
  expect((await project.berth("ps", "--services")).trim()).toBe("db"); // web itself was not started
});

test("exit codes: the command's own, 127 and 126 where it cannot be run", async () => {
  expect((await project.try("run", "--rm", "--no-deps", "web", "sh", "-c", "exit 42")).exitCode).toBe(42);
  const missing = await project.try("run", "--rm", "--no-deps", "web", "no-such-command");
  expect([missing.exitCode, missing.stderr]).toEqual([127, expect.stringContaining("no-such-command")]);
  expect((await project.try("run", "--rm", "--no-deps", "web", "/etc/passwd")).exitCode).toBe(126);
  expect(await oneOffs()).toEqual([]);
});

test("environment, user, directory, labels, name, entrypoint, volumes, capabilities", async () => {
  const output = await berth.ok(
    [
      ...["run", "--rm", "--no-deps", "-e", "COLOR=red", "-e", "HERE", "--env-from-file", "more.env", "-u", "www-data", "-w", "/tmp"],
      ...[
        "--entrypoint",
        "sh -c",
        "-v",
        "./:/here:ro",
        "--cap-drop",
        "CHOWN",
        "web",
        "echo $COLOR $SIZE $HERE $FROM_FILE $(id -un) $(pwd) $(grep -c ' /here ' /proc/mounts)",
      ],
    ],
    { cwd: project.directory, env: { HERE: "value" } },
  );
  expect(output.trim()).toBe("red big value yes www-data /tmp 1");
  const id = (await project.berth("run", "-d", "--no-deps", "--name", "mine", "-l", "a=b", "web", "sleep", "1000")).trim();
  expect((await berth.ok(["docker", "inspect", "-f", '{{.Id}} {{index .Config.Labels "a"}}', "mine"])).trim()).toBe(`${id} b`);
  const labels = JSON.parse(await berth.ok(["docker", "inspect", "-f", "{{json .Config.Labels}}", "mine"])) as Record<string, string>;
  expect(labels["com.docker.compose.slug"]).toMatch(/^[0-9a-f]{64}$/);
  expect(labels).toMatchObject({ "com.docker.compose.depends_on": "", "com.docker.compose.oneoff": "True" });
  expect(labels).not.toHaveProperty(["com.docker.compose.container-number"]);
  await berth.ok(["docker", "rm", "-f", "mine"]);
});

test("ports: none of the service's, unless they are asked for", async () => {
  const ports = async (...flags: string[]) => {
    const id = (await project.berth("run", "-d", "--no-deps", ...flags, "web", "sleep", "1000")).trim();
    const shown = await berth.ok(["docker", "inspect", "-f", "{{json .NetworkSettings.Ports}}", id]);
    await berth.ok(["docker", "rm", "-f", id]);
    return Object.values(JSON.parse(shown) as Record<string, unknown[] | null>).flatMap((bindings) => bindings ?? []);
  };
  expect(await ports()).toEqual([]);
  expect(await ports("-P")).toHaveLength(1);
  expect(await ports("-p", "127.0.0.1::81")).toEqual([{ HostIp: "127.0.0.1", HostPort: expect.stringMatching(/^\d+$/) }]);
});

test("input goes through to its end, and a signal to the process", async () => {
  const cat = await berth.call(["run", "--rm", "--no-deps", "-T", "web", "cat"], { cwd: project.directory, input: "one\ntwo\n" });
  expect(cat.stdout).toBe("one\ntwo");
  const running = execa(
    `${checkout}/bin/berth`,
    ["run", "--rm", "--no-deps", "-T", "web", "sh", "-c", 'trap "echo got it; exit 9" TERM; echo up; while :; do sleep 0.05; done'],
    { cwd: project.directory, env: berth.env, extendEnv: false, reject: false, stdin: "ignore" },
  );
  for await (const line of running) if (line === "up") running.kill("SIGTERM");
  const { exitCode, stdout } = await running;
  expect([exitCode, stdout]).toEqual([9, "up\ngot it"]);
});

test("with a terminal: it is one inside, has its size, and Ctrl-C is a key", async () => {
  using terminal = new Terminal(berth, project.directory, ["run", "--rm", "--no-deps", "web", "sh"], [90, 20]);
  await terminal.shows("#");
  terminal.type("tty; until stty size 2>&1 | grep -v : | grep . ; do sleep 0.05; done\n");
  await terminal.shows(/\/dev\/pts\/\d+[\s\S]*20 90/);
  terminal.type("sleep 1000; echo 'cut off'\n");
  // A shell that has not begun to sleep yet drops the key.
  const cutOff = () => {
    terminal.keys("C-c");
    return /\^C[\s\S]*\/ #/.test(terminal.screen());
  };
  await until(cutOff, { timeoutMs: 20_000, what: "the end of the sleep" });
  terminal.type("exit 7\n");
  expect(await terminal.exitCode()).toBe(7);
});

test("attach: the main process of a service, until the detach keys, and its exit code", async () => {
  await project.berth("up", "-d", "shell");
  {
    using terminal = new Terminal(berth, project.directory, ["attach", "shell"]);
    terminal.type("\necho in $((20 + 3))\n");
    await terminal.shows("in 23");
    terminal.keys("C-p", "C-q");
    expect(await terminal.exitCode()).toBe(0);
  }
  expect((await project.berth("ps", "--services", "--status", "running")).split("\n")).toContain("shell");
  using again = new Terminal(berth, project.directory, ["attach", "shell"]);
  again.type("\nexit 3\n");
  expect(await again.exitCode()).toBe(3);
  const gone = await project.try("attach", "shell");
  expect([gone.exitCode, gone.stderr]).toEqual([1, expect.stringContaining('service "shell" is not running')]);
});

test("attach without a terminal gives it what comes in, and passes signals on", async () => {
  await project.berth("--profile", "never", "up", "-d", "echo");
  const attached = execa(`${checkout}/bin/berth`, ["attach", "echo"], {
    cwd: project.directory,
    env: berth.env,
    extendEnv: false,
    reject: false,
  });
  attached.stdin.write("round\n");
  for await (const line of attached) if (line === "round") attached.kill("SIGINT");
  expect((await attached).exitCode).toBe(4);
});
