import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DockerCommands, dockerCommands } from "../../support/docker-commands.ts";

let commands: DockerCommands;
let work: string;
const docker = (...args: string[]) => commands.docker(...args);
const attempt = (...args: string[]) => commands.attempt(...args);

beforeAll(async () => {
  commands = await dockerCommands();
  work = commands.work;
});
afterAll(async () => {
  await commands[Symbol.asyncDispose]();
});

describe("what a container shares", () => {
  it("is memory with those that join its IPC namespace, where it is shareable", async () => {
    await docker("run", "-d", "--name", "sharing", "--ipc", "shareable", "busybox", "sleep", "1000");
    await docker("exec", "sharing", "sh", "-c", "echo hello >/dev/shm/note");
    expect(await docker("run", "--rm", "--ipc", "container:sharing", "busybox", "cat", "/dev/shm/note")).toBe("hello");
    expect(await docker("run", "--rm", "busybox", "ls", "/dev/shm")).toBe("");
    await docker("run", "-d", "--name", "private", "busybox", "sleep", "1000");
    const refused = await attempt("run", "--rm", "--ipc", "container:private", "busybox", "true");
    expect(refused).toMatchObject({ exitCode: 125, stderr: expect.stringContaining("non-shareable IPC") });
    await docker("rm", "-f", "sharing", "private");
  });

  it("is its name and its hosts file with those that join its network", async () => {
    await docker("run", "-d", "--name", "owner", "-h", "first.example.org", "--add-host", "peer:192.0.2.7", "busybox", "sleep", "1000");
    const seen = await docker("run", "--rm", "--network", "container:owner", "busybox", "sh", "-c", "hostname; cat /etc/hosts");
    expect(seen).toMatch(/^first\.example\.org\n[\s\S]*192\.0\.2\.7\tpeer\n(#.*\n)*[\d.]+\tfirst\.example\.org first$/);
    await docker("rm", "-f", "owner");
  });
});

it("a mount over /etc does not hide the hosts file, which is read-only with the root", async () => {
  const line = ["cat /etc/hosts | grep -c localhost; touch /etc/hosts"];
  const seen = await attempt("run", "--rm", "--read-only", "--tmpfs", "/etc", "busybox", "sh", "-c", ...line);
  expect(seen).toMatchObject({ exitCode: 1, stdout: "2", stderr: expect.stringContaining("Read-only file system") });
});

it("SIGKILL ends a paused container", async () => {
  await docker("run", "-d", "--name", "frozen", "busybox", "sleep", "1000");
  await docker("pause", "frozen");
  await docker("kill", "frozen");
  expect(await docker("inspect", "-f", "{{.State.ExitCode}} {{.State.Paused}}", "frozen")).toBe("137 false");
  await docker("rm", "frozen");
});

it("commit --change takes a check and triggers; numbers that no user can have are refused", async () => {
  await docker("create", "--name", "base", "busybox", "true");
  await docker("commit", "-c", "HEALTHCHECK --interval=5s --retries=2 CMD true", "-c", "ONBUILD RUN x", "base", "checked");
  expect(JSON.parse(await docker("inspect", "-f", "{{json .Config}}", "checked"))).toMatchObject({
    Healthcheck: { Interval: 5e9, Retries: 2, Test: ["CMD-SHELL", "true"] },
    OnBuild: ["RUN x"],
  });
  const refused = await attempt("run", "--rm", "-u", "99999999999", "busybox", "true");
  expect(refused).toMatchObject({ exitCode: 125, stderr: expect.stringContaining("uids and gids must be in range 0-2147483647") });
  await docker("rm", "base");
  await docker("rmi", "checked");
});

it("--platform names the variant that is meant, and only that one", async () => {
  const other = "does not match the specified platform (linux/riscv64)";
  for (const words of [
    ["history", "--platform", "linux/riscv64", "busybox"],
    ["rmi", "--platform", "linux/riscv64", "busybox"],
    ["image", "inspect", "--platform", "linux/riscv64", "busybox"],
  ])
    expect(await attempt(...words)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(other) });
  expect(await attempt("save", "--platform", "linux/riscv64", "-o", "x.tar", "busybox")).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining("no suitable export target found for platform linux/riscv64"),
  });
  expect(await attempt("save", "--platform", "a/b/c/d", "busybox")).toMatchObject({
    exitCode: 1,
    stderr: 'invalid platform: "a/b/c/d": cannot parse platform specifier: invalid argument',
  });
});

it("a network takes its settings from a configuration network, on which nothing can be", async () => {
  await docker("network", "create", "--config-only", "--subnet", "10.231.7.0/24", "settings");
  await docker("network", "create", "--config-from", "settings", "real");
  expect(await docker("network", "inspect", "-f", "{{json .IPAM.Config}} {{.ConfigFrom.Network}}", "real")).toBe(
    '[{"Subnet":"10.231.7.0/24"}] settings',
  );
  expect((await attempt("run", "--rm", "--network", "settings", "busybox", "true")).stderr).toContain(
    "cannot create endpoint on configuration-only network",
  );
  expect((await attempt("network", "rm", "settings")).stderr).toContain("is in use");
  await docker("network", "rm", "real", "settings");
});

it("limits of an update are checked as those of a new container", async () => {
  await docker("create", "--name", "limited", "--cpus", "0.5", "busybox", "true");
  const answers = [];
  for (const words of [
    ["--cpus", "4096"],
    ["--cpuset-cpus", "0-4095"],
    ["--cpu-quota", "20000"],
  ])
    answers.push((await attempt("update", ...words, "limited")).stderr.replace(/[0-9a-f]{64}/, "ID"));
  expect(answers).toEqual([
    expect.stringContaining("range of CPUs is from 0.01 to"),
    expect.stringContaining("Requested CPUs are not available - requested 0-4095"),
    expect.stringContaining(
      "Cannot update container ID: Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set",
    ),
  ]);
  await docker("rm", "limited");
});

it("the limits of a classic build hold for its steps", async () => {
  writeFileSync(
    join(work, "Dockerfile"),
    "FROM busybox\nRUN cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; ulimit -n\n",
  );
  const built = await attempt("build", "--progress", "plain", "-m", "64m", "--ulimit", "nofile=77:77", "-t", "limited", ".");
  expect(built.stderr).toMatch(/ 67108864\n/);
  expect(built.stderr).toMatch(/ 77\n/);
  await docker("rmi", "limited");
});

it("a legacy link wants the other container to run", async () => {
  await docker("create", "--name", "resting", "busybox", "sleep", "1000");
  const refused = await attempt("run", "--rm", "--name", "linked", "--link", "resting:db", "busybox", "true");
  expect(refused).toMatchObject({
    exitCode: 125,
    stderr: expect.stringContaining("Cannot link to a non running container: /resting AS /linked/db"),
  });
  await docker("start", "resting");
  expect(await docker("run", "--rm", "--link", "resting:db", "busybox", "sh", "-c", "grep -c db /etc/hosts")).toBe("1");
  await docker("rm", "-f", "resting");
});

it("mounts, tags of logs and limits are shown as dockerd shows them", async () => {
  writeFileSync(join(work, "note"), "bound");
  expect(await docker("run", "--rm", "-v", `${work}/note:/note/`, "busybox", "cat", "/note")).toBe("bound");
  const refused = await attempt("run", "--rm", "-v", "named:/x:rslave", "busybox", "true");
  expect(refused).toMatchObject({ exitCode: 125, stderr: expect.stringContaining("field BindOptions must not be specified") });
  await docker("run", "--name", "told", "--log-opt", "tag={{.Name}}/x", "--pids-limit", "-1", "busybox", "echo", "hi");
  expect(await docker("logs", "--details", "told")).toBe("tag=told%2Fx hi");
  expect(await docker("inspect", "-f", "{{.HostConfig.PidsLimit}}", "told")).toBe("<nil>");
  await docker("rm", "told");
});
