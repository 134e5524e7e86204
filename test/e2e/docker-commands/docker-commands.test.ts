import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasEnded } from "../../../src/system/index.ts";
import { type Berth, checkout, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { until } from "../../support/until.ts";

let berth: Berth;
const docker = (...args: string[]) => berth.call(["docker", ...args]);
const ok = async (...args: string[]) => (await berth.ok(["docker", ...args])).trim();

beforeAll(async () => {
  berth = await installedBerth();
  expect(await berth.ok(["image", "load"], { input: busyboxArchive() })).toBe("Loaded image: busybox:latest");
});
afterAll(async () => {
  await berth[Symbol.asyncDispose]();
});

describe("run", () => {
  it.each([
    [["echo", "hi"], 0, "hi"],
    [["sh", "-c", "exit 7"], 7, ""],
    [["nosuch"], 127, ""],
    [["/etc/passwd"], 126, ""],
  ])("%j exits with %i", async (command, exitCode, stdout) => {
    expect(await docker("run", "--rm", "busybox", ...command)).toMatchObject({ exitCode, stdout });
  });

  it("of an image that is not there exits with 125 and says so", async () => {
    const answer = await docker("run", "--rm", "127.0.0.1:1/nosuchimage");
    expect(answer.exitCode).toBe(125);
    expect(answer.stderr).toContain("Unable to find image '127.0.0.1:1/nosuchimage:latest' locally");
  });

  it("keeps stdout and stderr apart and passes stdin on", async () => {
    expect(await docker("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2")).toMatchObject({ stdout: "out", stderr: "err" });
    const answer = await berth.call(["docker", "run", "--rm", "-i", "busybox", "wc", "-c"], { input: "x".repeat(200_000) });
    expect(answer.stdout.trim()).toBe("200000");
  });

  it("sets environment, user, directory, host name and labels", async () => {
    const file = join(berth.root, "env");
    writeFileSync(file, "# a comment\nFROM_FILE=1\nTWICE=file\n");
    const flags = ["-e", "TWICE=flag", "--env-file", file, "-u", "www-data", "-w", "/tmp", "-h", "box", "-l", "a=b"];
    const script = 'echo "$FROM_FILE $TWICE $(id -un) $(pwd) $(hostname)"';
    expect(await ok("run", "--rm", ...flags, "busybox", "sh", "-c", script)).toBe("1 flag www-data /tmp box");
  });

  it("leaves nothing behind with --rm", async () => {
    await ok("run", "--rm", "--name", "gone", "busybox", "true");
    expect(await ok("ps", "-a", "-q", "-f", "name=gone")).toBe("");
  });
});

describe("a container in the background", () => {
  it("is listed, entered, read, stopped and removed", async () => {
    const id = await ok(
      "run",
      "-d",
      "--name",
      "web",
      "-e",
      "A=b",
      "busybox",
      "sh",
      "-c",
      "trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done",
    );
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await ok("ps", "--format", "{{.Names}} {{.Image}} {{.State}}")).toBe("web busybox running");
    expect(await ok("exec", "web", "sh", "-c", "echo $A")).toBe("b");
    expect((await docker("exec", "web", "sh", "-c", "exit 9")).exitCode).toBe(9);
    await until(async () => (await ok("logs", "web")) === "up", { timeoutMs: 5000, what: "the log" });
    expect(await ok("stop", "web")).toBe("web");
    expect(await ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "web")).toBe("exited 3");
    expect(await ok("start", "web")).toBe("web");
    expect(await ok("rm", "-f", "web")).toBe("web");
    expect((await docker("inspect", "web")).stderr).toBe("Error: No such object: web");
  });

  it("goes on while no engine runs; what it wrote and how it ended is known afterwards", async () => {
    await ok("run", "-d", "--name", "alone", "busybox", "sh", "-c", "for i in 1 2 3 4; do echo $i; sleep 0.4; done; exit 5");
    const pid = berth.enginePid();
    process.kill(pid, "SIGKILL");
    await until(() => hasEnded(pid), { timeoutMs: 20_000, what: "the engine's end" });
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(await ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "alone")).toBe("exited 5");
    expect(await ok("logs", "alone")).toBe("1\n2\n3\n4");
  });

  it("that is adopted while it runs is still stopped and entered by its name", async () => {
    await ok("run", "-d", "--name", "kept", "busybox", "sleep", "1000");
    process.kill(berth.enginePid(), "SIGKILL");
    await until(async () => (await docker("exec", "kept", "true")).exitCode === 0, { timeoutMs: 10_000, what: "the adopted container" });
    expect(await ok("stop", "-t", "0", "kept")).toBe("kept");
  });
});

describe("volumes, networks and ports", () => {
  it("a named volume keeps what was written", async () => {
    await ok("run", "--rm", "-v", "data:/d", "busybox", "sh", "-c", "echo kept > /d/file");
    expect(await ok("run", "--rm", "-v", "data:/d", "busybox", "cat", "/d/file")).toBe("kept");
    expect(await ok("volume", "ls", "-q")).toContain("data");
    expect(await ok("volume", "rm", "data")).toBe("data");
  });

  it("names resolve on a network of one's own; a published port answers on the host", async () => {
    await ok("network", "create", "own");
    await ok(
      "run",
      "-d",
      "--name",
      "server",
      "--network",
      "own",
      "--network-alias",
      "alias",
      "-p",
      "127.0.0.1::80",
      "busybox",
      "httpd",
      "-f",
      "-h",
      "/etc",
    );
    for (const name of ["server", "alias"])
      await until(
        async () =>
          (await docker("run", "--rm", "--network", "own", "busybox", "wget", "-q", "-O", "-", `http://${name}/hostname`)).exitCode === 0,
        {
          timeoutMs: 10_000,
          what: `an answer from ${name}`,
        },
      );
    const port = await ok("inspect", "-f", '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', "server");
    const answer = await fetch(`http://127.0.0.1:${port}/hostname`);
    expect((await answer.text()).trim()).toBe(await ok("inspect", "-f", "{{.Config.Hostname}}", "server"));
    await ok("rm", "-f", "server");
    expect(await ok("network", "rm", "own")).toBe("own");
  });

  it("a port that is taken is refused with the name of what has it", async () => {
    await ok("run", "-d", "--name", "first", "-p", "127.0.0.1::80", "busybox", "sleep", "1000");
    const port = await ok("inspect", "-f", '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', "first");
    const second = await docker("run", "--rm", "-p", `127.0.0.1:${port}:80`, "busybox", "true");
    expect(second.exitCode).toBe(125);
    expect(second.stderr).toContain("port is already allocated\n  Container first has it. Stop it, or publish another port.");
    await ok("rm", "-f", "first");
  });
});

describe("the name `docker`", () => {
  it("is enough: a symbolic link to bin/berth speaks Docker's grammar", async () => {
    const link = join(berth.root, "docker");
    symlinkSync(join(checkout, "bin/berth"), link);
    const { stdout } = await execa(link, ["images", "--format", "{{.Repository}}:{{.Tag}}"], { env: berth.env, extendEnv: false });
    expect(stdout).toBe("busybox:latest");
    rmSync(link);
  });

  it("has Docker's usage errors", async () => {
    expect(await docker("run", "--nosuch")).toMatchObject({ exitCode: 125, stderr: expect.stringContaining("unknown flag: --nosuch") });
    expect(await docker("nosuch")).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("unknown command: docker nosuch") });
  });
});
