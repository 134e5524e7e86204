import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { loadBusybox, testProject } from "../../support/project.ts";
import { until } from "../../support/until.ts";

let berth: Berth;
beforeAll(async () => {
  berth = await installedBerth();
  await loadBusybox(berth);
});
afterAll(async () => {
  await berth?.[Symbol.asyncDispose]();
});

/** Runs one service to its end and answers what it printed, without the log prefix. */
async function output(service: string, files: Record<string, string> = {}, extra = ""): Promise<string> {
  await using project = testProject(berth, `services:\n  s:\n    image: busybox\n${service.replace(/^/gm, "    ")}\n${extra}`, files);
  await project.try("up", "--abort-on-container-exit");
  return (await project.berth("logs", "--no-log-prefix", "--no-color", "s")).trimEnd();
}

describe("what a service asks for is what its process finds", () => {
  test.each([
    ["command and entrypoint", `entrypoint: ["echo", "a"]\ncommand: ["b c", "$$d"]`, "a b c $d"],
    ["environment", `environment: {A: "1", B: "x y"}\ncommand: sh -c 'echo "$$A-$$B"'`, "1-x y"],
    ["user and group by name", `user: www-data\ncommand: id`, "uid=33(www-data) gid=33(www-data) groups=33(www-data)"],
    ["user and group by number", `user: "1234:5678"\ngroup_add: ["99"]\ncommand: sh -c 'id -u; id -g; id -G'`, "1234\n5678\n5678 99"],
    ["working directory", `working_dir: /made/for/it\ncommand: pwd`, "/made/for/it"],
    ["host name", `hostname: box\ndomainname: example.org\ncommand: sh -c 'hostname; hostname -f'`, "box\nbox.example.org"],
    ["extra hosts", `extra_hosts: ["other:10.1.2.3"]\ncommand: sh -c 'grep other /etc/hosts | tr "\\t" " "'`, "10.1.2.3 other"],
    [
      "tmpfs",
      `tmpfs: ["/scratch:size=1m,mode=1700"]\ncommand: sh -c 'stat -c %a /scratch; df -k /scratch | tail -1 | tr -s " " | cut -d" " -f2'`,
      "1700\n1024",
    ],
    ["shared memory", `shm_size: 8m\ncommand: sh -c 'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2'`, "8192"],
    [
      "a read-only root",
      `read_only: true\ntmpfs: [/tmp]\ncommand: sh -c 'touch /x 2>/dev/null || echo read-only; touch /tmp/x && echo tmp'`,
      "read-only\ntmp",
    ],
    ["sysctls", `sysctls: {net.core.somaxconn: 123}\ncommand: cat /proc/sys/net/core/somaxconn`, "123"],
    ["ulimits", `ulimits: {nofile: {soft: 100, hard: 200}}\ncommand: sh -c 'ulimit -Sn; ulimit -Hn'`, "100\n200"],
    ["an init process", `init: true\ncommand: sh -c 'test $$$$ -ne 1 && echo not 1'`, "not 1"],
    ["the default capabilities", `command: grep CapEff /proc/self/status`, "CapEff:\t00000000a80425fb"],
    [
      "dropped and added capabilities",
      `cap_drop: [ALL]\ncap_add: [NET_ADMIN]\ncommand: grep CapEff /proc/self/status`,
      "CapEff:\t0000000000001000",
    ],
    ["no new privileges", `security_opt: ["no-new-privileges:true"]\ncommand: grep NoNewPrivs /proc/self/status`, "NoNewPrivs:\t1"],
    ["a seccomp filter", `command: grep Seccomp: /proc/self/status`, "Seccomp:\t2"],
    [
      "no seccomp filter where it is switched off",
      `security_opt: ["seccomp:unconfined"]\ncommand: grep Seccomp: /proc/self/status`,
      "Seccomp:\t0",
    ],
    [
      "masked paths",
      `command: sh -c 'cat /proc/kcore | head -c 1 | wc -c; touch /proc/sys/kernel/x 2>&1 | grep -o "Read-only.*"'`,
      "0\nRead-only file system",
    ],
    [
      "devices",
      `command: sh -c 'for d in null zero full random urandom tty; do test -c /dev/$$d || echo no $$d; done; test -c /dev/kmsg || echo no kmsg'`,
      "no kmsg",
    ],
    ["a device of its own", `devices: ["/dev/null:/dev/mine:r"]\ncommand: sh -c 'test -c /dev/mine && echo there'`, "there"],
    [
      "the host's devices when privileged",
      `privileged: true\ncommand: sh -c 'test -c /dev/kmsg && echo kmsg; grep Seccomp: /proc/self/status'`,
      "kmsg\nSeccomp:\t0",
    ],
    ["another pid namespace by default", `command: sh -c 'echo $$$$'`, "1"],
  ])("%s", async (_, service, expected) => {
    expect(await output(service)).toBe(expected);
  });

  test("env_file, and environment wins over it", async () => {
    expect(
      await output(`env_file: a.env\nenvironment: {B: "from file.yaml"}\ncommand: sh -c 'echo "$$A $$B"'`, {
        "a.env": "A='quoted $x'\nB=no\n",
      }),
    ).toBe("quoted $x from file.yaml");
  });

  test("secrets and configs are files", async () => {
    const extra = "secrets:\n  token: {file: token.txt}\nconfigs:\n  conf: {content: inline}\n";
    const text = await output(
      `secrets: [token]\nconfigs: [{source: conf, target: /etc/app.conf, mode: 0440}]\ncommand: sh -c 'cat /run/secrets/token /etc/app.conf; stat -c " %a" /etc/app.conf'`,
      { "token.txt": "s3cret-" },
      extra,
    );
    expect(text).toBe("s3cret-inline 440");
  });
});

describe("limits", () => {
  test("memory: the process that takes more is killed, and inspect says so", async () => {
    await using project = testProject(
      berth,
      `services:\n  s:\n    image: busybox\n    mem_limit: 16m\n    memswap_limit: 16m\n    command: sh -c 'tail /dev/zero'\n`,
    );
    const up = await project.try("up", "--exit-code-from", "s");
    expect(up.exitCode).toBe(137);
    const state = await berth.ok(["docker", "inspect", "-f", "{{.State.OOMKilled}} {{.State.ExitCode}}", `${project.name}-s-1`]);
    expect(state.trim()).toBe("true 137");
  });

  test("pids: the process beyond the limit cannot start", async () => {
    await using project = testProject(
      berth,
      `services:\n  s:\n    image: busybox\n    pids_limit: 5\n    command: sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 100 & done; echo started'\n`,
    );
    await project.try("up", "--abort-on-container-exit");
    expect(await project.berth("logs", "--no-log-prefix", "s")).toMatch(/can't fork/);
  });

  test("cpus: half a processor is what it gets", async () => {
    await using project = testProject(
      berth,
      `services:\n  s:\n    image: busybox\n    cpus: 0.5\n    command: sh -c 'while :; do :; done'\n    stop_signal: SIGKILL\n`,
    );
    await project.berth("up", "-d");
    const pid = (await berth.ok(["docker", "inspect", "-f", "{{.State.Pid}}", `${project.name}-s-1`])).trim();
    const { readFileSync } = await import("node:fs");
    const ticks = () => {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
      return Number(fields[13]) + Number(fields[14]);
    };
    const [from, start] = [ticks(), Date.now()];
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const share = ((ticks() - from) * 10) / (Date.now() - start);
    expect(share).toBeLessThan(0.6);
  });
});

describe("exit codes", () => {
  test.each([
    ["its own", "sh -c 'exit 7'", 7],
    ["128 plus the signal", "sh -c 'kill -9 $$$$'", 137],
  ])("%s", async (_, command, code) => {
    await using project = testProject(berth, `services:\n  s:\n    image: busybox\n    init: true\n    command: ${command}\n`);
    expect((await project.try("up", "--exit-code-from", "s")).exitCode).toBe(code);
  });

  test.each([
    ["127 where there is no such command", ["no-such-command"], 127, /executable file not found/],
    ["126 where it cannot be executed", ["/etc/passwd"], 126, /permission denied/],
    ["125 where the engine refuses", ["--no-such-flag"], 125, /unknown/],
  ])("run: %s", async (_, command, code, text) => {
    const answer = await berth.call(["docker", "run", "--rm", ...(code === 125 ? [...command, "busybox"] : ["busybox", ...command])]);
    expect(answer.stderr).toMatch(text);
    expect(answer.exitCode).toBe(code);
  });
});

describe("restart", () => {
  test("on-failure starts it again, as often as it was told and no more", async () => {
    await using project = testProject(
      berth,
      `services:\n  s:\n    image: busybox\n    restart: on-failure:2\n    command: sh -c 'echo once; exit 1'\n`,
    );
    await project.berth("up", "-d");
    await until(async () => (await project.berth("ps", "-a", "--format", "json")).includes('"State":"exited"'), {
      timeoutMs: 20_000,
      what: "the last exit",
    });
    expect((await project.berth("logs", "--no-log-prefix", "s")).trim().split("\n")).toEqual(["once", "once", "once"]);
  });

  test("a stopped service stays down, whatever its policy", async () => {
    await using project = testProject(
      berth,
      `services:\n  s:\n    image: busybox\n    restart: always\n    stop_signal: SIGKILL\n    command: sleep 1000\n`,
    );
    await project.berth("up", "-d");
    await project.berth("stop");
    expect(await project.berth("ps", "--services", "--status", "running")).toBe("");
    await project.berth("start");
    expect((await project.berth("ps", "--services", "--status", "running")).trim()).toBe("s");
  });
});

describe("volumes", () => {
  let data: string;
  beforeAll(() => {
    data = mkdtempSync("/var/tmp/berth-data-");
    writeFileSync(join(data, "file"), "from the host");
  });
  afterAll(() => rmSync(data, { recursive: true, force: true }));

  test("a bind mount, read-only", async () => {
    expect(
      await output(`volumes: ["${data}:/data:ro"]\ncommand: sh -c 'cat /data/file; echo; touch /data/x 2>&1 | grep -o "Read-only.*"'`),
    ).toBe("from the host\nRead-only file system");
  });

  test("a new named volume gets the image's content, with its owner", async () => {
    const text = await output(`volumes: ["v:/etc"]\ncommand: sh -c 'head -1 /etc/passwd'`, {}, "volumes: {v: }\n");
    expect(text).toBe("root:x:0:0:root:/root:/bin/sh");
  });

  test("a subpath of a volume", async () => {
    await using project = testProject(
      berth,
      `services:\n  make:\n    image: busybox\n    volumes: ["v:/v"]\n    command: sh -c 'mkdir -p /v/sub && echo deep > /v/sub/f'\n  s:\n    image: busybox\n    depends_on: {make: {condition: service_completed_successfully}}\n    volumes: [{type: volume, source: v, target: /d, volume: {subpath: sub}}]\n    command: cat /d/f\nvolumes: {v: }\n`,
    );
    await project.try("up");
    expect((await project.berth("logs", "--no-log-prefix", "s")).trim()).toBe("deep");
  });
});

describe("logs, exec and attach", () => {
  test("both streams with their times, the tail, and what comes while following", async () => {
    await using project = testProject(
      berth,
      `services:\n  s:\n    image: busybox\n    stop_signal: SIGKILL\n    command: sh -c 'echo one; echo two >&2; printf three; sleep 1000'\n`,
    );
    await project.berth("up", "-d");
    await until(async () => (await project.berth("logs", "--no-log-prefix")).includes("three"), { timeoutMs: 10_000, what: "the output" });
    const times = (await project.berth("logs", "-t", "--no-log-prefix", "--no-color")).trim().split("\n");
    expect(times[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z one$/);
    expect((await project.berth("logs", "--tail", "1", "--no-log-prefix")).trim()).toBe("three");
    expect(await project.berth("logs")).toMatch(/^s-1\s+\| one$/m);
  });

  test("exec: exit code, environment, user, input", async () => {
    await using project = testProject(
      berth,
      `services:\n  s:\n    image: busybox\n    environment: {A: "1"}\n    stop_signal: SIGKILL\n    command: sleep 1000\n`,
    );
    await project.berth("up", "-d");
    expect((await project.try("exec", "-T", "s", "sh", "-c", "exit 5")).exitCode).toBe(5);
    expect((await project.berth("exec", "-T", "-e", "B=2", "-u", "www-data", "s", "sh", "-c", "echo $A $B $(id -un)")).trim()).toBe(
      "1 2 www-data",
    );
    const echo = await berth.call(["exec", "-T", "s", "cat"], { cwd: project.directory, input: "through\n" });
    expect(echo.stdout).toBe("through");
    expect((await project.try("exec", "-T", "s", "no-such-command")).exitCode).toBe(127);
  });
});
