import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ContainerCreateBody } from "../../../src/api/index.ts";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { EngineApi } from "../../support/engine-api.ts";
import { until } from "../../support/until.ts";

let berth: Berth;
let api: EngineApi;
let data: string;
beforeAll(async () => {
  berth = await installedBerth();
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  api = new EngineApi(berth.socket);
  data = mkdtempSync("/var/tmp/berth-data-");
  writeFileSync(join(data, "file"), "from the host");
  mkdirSync(join(data, "sub"));
});
afterAll(async () => {
  api?.close();
  rmSync(data, { recursive: true, force: true });
  await berth?.[Symbol.asyncDispose]();
});

const sh = (script: string): Pick<ContainerCreateBody, "Cmd"> => ({ Cmd: ["sh", "-c", script] });
const docker = (...args: string[]) => berth.call(["docker", ...args]);
const ok = async (...args: string[]) => (await berth.ok(["docker", ...args])).trim();

describe("volumes", () => {
  it.concurrent("a bind mount, read-only and not", async () => {
    const read = await api.run({ ...sh("cat /d/file; touch /d/x"), HostConfig: { Binds: [`${data}:/d:ro`] } });
    expect(read.stdout).toBe("from the host");
    expect(read.stderr).toContain("Read-only file system");
    await api.run({ ...sh("echo written > /d/sub/y"), HostConfig: { Binds: [`${data}:/d`] } });
    expect(readFileSync(join(data, "sub/y"), "utf8")).toBe("written\n");
  });
  it.concurrent("a short bind makes its directory, a long one does not", async () => {
    await api.run({ Cmd: ["true"], HostConfig: { Binds: [`${data}/made:/d`] } });
    expect(readdirSync(data)).toContain("made");
    const mount = { Type: "bind" as const, Source: join(data, "missing"), Target: "/d" };
    await expect(api.create({ Cmd: ["true"], HostConfig: { Mounts: [mount] } })).rejects.toThrow(
      `bind source path does not exist: ${data}/missing`,
    );
  });
  it.concurrent("a new volume gets the image's content with its owners and modes, the next use does not", async () => {
    const first = await api.run({
      ...sh("stat -c '%u %a' /tmp; head -1 /etc/passwd; rm /etc/passwd; touch /etc/mine"),
      HostConfig: { Binds: ["filled:/etc"] },
    });
    expect(first.stdout).toBe("0 1777\nroot:x:0:0:root:/root:/bin/sh");
    const second = await api.run({ ...sh("ls /etc/passwd /etc/mine"), HostConfig: { Binds: ["filled:/etc"] } });
    expect(second.stdout).toBe("/etc/mine");
  });
  it.concurrent("nocopy leaves a new volume empty", async () => {
    expect(
      (await api.run({ ...sh("ls /etc | grep -v -e hosts -e hostname -e resolv.conf"), HostConfig: { Binds: ["bare:/etc:nocopy"] } }))
        .stdout,
    ).toBe("");
  });
  it.concurrent("a subpath of a volume; one that is not there is refused", async () => {
    await api.run({ ...sh("mkdir /v/deep && echo in > /v/deep/f"), HostConfig: { Binds: ["nested:/v"] } });
    const mount = (Subpath: string) => ({ Type: "volume" as const, Source: "nested", Target: "/d", VolumeOptions: { Subpath } });
    expect((await api.run({ ...sh("cat /d/f"), HostConfig: { Mounts: [mount("deep")] } })).stdout).toBe("in");
    await expect(api.run({ Cmd: ["true"], HostConfig: { Mounts: [mount("shallow")] } })).rejects.toThrow("cannot access path");
    await expect(api.run({ Cmd: ["true"], HostConfig: { Mounts: [mount("../../..")] } })).rejects.toThrow(
      "subpath must be a relative path within the volume",
    );
  });
  it.concurrent("an anonymous volume goes with its container", async () => {
    const id = await api.start({ ...sh("sleep 1000"), Volumes: { "/data": {} } });
    const name = (await api.inspect(id)).Mounts[0]?.Name ?? "";
    expect(name).toMatch(/^[0-9a-f]{64}$/);
    await api.bytes("GET", `/volumes/${name}`);
    await api.remove(id);
    await expect(api.bytes("GET", `/volumes/${name}`)).rejects.toThrow("no such volume");
  });
  it.concurrent("driver options mount what they name", async () => {
    await api.json("POST", "/volumes/create", { Name: "small", DriverOpts: { type: "tmpfs", device: "tmpfs", o: "size=1m" } });
    await api.json("POST", "/volumes/create", { Name: "bound", DriverOpts: { type: "none", device: data, o: "bind" } });
    const { stdout } = await api.run({
      ...sh("df -k /s | tail -1 | tr -s ' ' | cut -d' ' -f2; cat /b/file"),
      HostConfig: { Binds: ["small:/s", "bound:/b"] },
    });
    expect(stdout).toBe("1024\nfrom the host");
    for (const name of ["small", "bound"]) await api.bytes("DELETE", `/volumes/${name}`);
  });
  it.concurrent("what a volume's options mount is there as long as a container uses it", async () => {
    await api.json("POST", "/volumes/create", { Name: "lent", DriverOpts: { type: "none", device: data, o: "bind" } });
    const mounts = () => readFileSync("/proc/self/mountinfo", "utf8").split(` ${berth.root}/volumes/lent/_data `).length - 1;
    const body = { ...sh("sleep 1000"), StopSignal: "SIGKILL", HostConfig: { Binds: ["lent:/b"] } };
    const [one, other] = [await api.start(body), await api.start(body)];
    await api.remove(one);
    expect(mounts()).toBe(1);
    expect((await api.exec(other, ["cat", "/b/file"])).output).toBe("from the host");
    await api.bytes("POST", `/containers/${other}/stop`);
    expect(mounts()).toBe(0);
    await api.remove(other);
    await api.bytes("DELETE", "/volumes/lent");
  });
  it.concurrent("volumes_from has the other's mounts", async () => {
    const owner = await api.start({ ...sh("echo shared > /v/f; sleep 1000"), HostConfig: { Binds: ["owned:/v"] } });
    await until(async () => (await api.run({ ...sh("cat /v/f"), HostConfig: { VolumesFrom: [`${owner}:ro`] } })).stdout === "shared", {
      timeoutMs: 20_000,
      what: "the file",
    });
    const { stderr } = await api.run({ ...sh("touch /v/g"), HostConfig: { VolumesFrom: [`${owner}:ro`] } });
    expect(stderr).toContain("Read-only");
    await api.remove(owner);
  });
  it.concurrent("an image is mounted read-only, whole or a part", async () => {
    const mount = (Subpath?: string) => ({
      Type: "image" as const,
      Source: "busybox",
      Target: "/i",
      ...(Subpath ? { ImageOptions: { Subpath } } : {}),
    });
    const whole = await api.run({ ...sh("head -1 /i/etc/passwd; touch /i/x"), HostConfig: { Mounts: [mount()] } });
    expect(whole.stdout).toBe("root:x:0:0:root:/root:/bin/sh");
    expect(whole.stderr).toContain("Read-only");
    expect((await api.run({ ...sh("ls /i/nsswitch.conf"), HostConfig: { Mounts: [mount("etc")] } })).stdout).toBe("/i/nsswitch.conf");
    await expect(api.run({ Cmd: ["true"], HostConfig: { Mounts: [mount("nowhere")] } })).rejects.toThrow("cannot access path nowhere");
  });
});

describe("logs", () => {
  it.concurrent("both streams with their times, the tail, since", async () => {
    const id = await api.start(sh("echo one; sleep 0.2; echo two >&2; sleep 0.2; printf three"));
    await api.ended(id);
    expect(await api.logs(id)).toEqual({ stdout: "one\nthree", stderr: "two" });
    expect((await api.logs(id, "&tail=1")).stdout).toBe("three");
    const times = (await api.logs(id, "&timestamps=1")).stdout.split("\n");
    expect(times[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z one$/);
    const second = (await api.logs(id, "&timestamps=1")).stderr.split(" ")[0] ?? "";
    expect(await api.logs(id, `&since=${Date.parse(second) / 1000}`)).toEqual({ stdout: "three", stderr: "two" });
    await api.remove(id);
  });
  it.concurrent("follows what comes to the end, also over rotations, and keeps so many files", async () => {
    const id = await api.create({
      // Slower than the engine looks, so that every file is begun in time.
      ...sh(
        `i=0; while [ $i -lt 12 ]; do awk -v i=$i 'BEGIN { for (n = 0; n < 200; n++) printf "line-%05d\\n", i * 200 + n }'; i=$((i + 1)); sleep 0.35; done`,
      ),
      HostConfig: { LogConfig: { Type: "json-file", Config: { "max-size": "20k", "max-file": "3" } } },
    });
    await api.bytes("POST", `/containers/${id}/start`);
    const followed = await api.logs(id, "&follow=1");
    const expected = Array.from({ length: 2400 }, (_, index) => `line-${String(index).padStart(5, "0")}`);
    expect(followed.stdout.split("\n")).toEqual(expected);
    const files = readdirSync(join(berth.root, "containers", id)).filter((name) => name.startsWith("ctr.log"));
    expect(files.sort()).toEqual(["ctr.log", "ctr.log.1", "ctr.log.2"]);
    const kept = (await api.logs(id)).stdout.split("\n");
    expect(kept).toEqual(expected.slice(-kept.length));
    expect(kept.length).toBeGreaterThan(400);
    await api.remove(id);
  });
  it.concurrent("the driver none keeps nothing, and asking for it is refused", async () => {
    const id = await api.start({ Cmd: ["echo", "lost"], HostConfig: { LogConfig: { Type: "none", Config: {} } } });
    await api.bytes("POST", `/containers/${id}/wait`);
    await expect(api.logs(id)).rejects.toThrow("configured logging driver does not support reading");
    await api.remove(id);
  });
});

describe("exec, attach and input", () => {
  it("a process in a container: its own exit code, environment, user, directory and input", async () => {
    const id = await api.start({ Cmd: ["sleep", "1000"], Env: ["A=1"] });
    expect((await docker("exec", id, "sh", "-c", "exit 5")).exitCode).toBe(5);
    expect(await ok("exec", "-e", "B=2", "-u", "www-data", "-w", "/var", id, "sh", "-c", "echo $A $B $(id -un) $(pwd)")).toBe(
      "1 2 www-data /var",
    );
    expect((await berth.call(["docker", "exec", "-i", id, "cat"], { input: "through\n" })).stdout.trim()).toBe("through");
    expect((await docker("exec", id, "no-such-command")).exitCode).toBe(127);
    await api.remove(id);
  });
  it("a privileged one has every capability, the others have the container's", async () => {
    const id = await api.start({ Cmd: ["sleep", "1000"], HostConfig: { CapDrop: ["ALL"] } });
    const capabilities = (...flags: string[]) => ok("exec", ...flags, id, "grep", "-h", "CapEff", "/proc/self/status");
    expect(await capabilities()).toBe("CapEff:\t0000000000000000");
    expect(await capabilities("--privileged")).toBe(/^CapEff:.*$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[0]);
    expect(await capabilities("--privileged", "-u", "www-data")).toBe("CapEff:\t0000000000000000");
    await api.remove(id);
  });
  it("one in the background goes on without its client", async () => {
    const id = await api.start({ Cmd: ["sleep", "1000"] });
    await ok("exec", "-d", id, "sh", "-c", "echo done > /tmp/done");
    await until(async () => (await api.exec(id, ["cat", "/tmp/done"])).output === "done", { timeoutMs: 10_000, what: "what it wrote" });
    await api.remove(id);
  });
  it("a terminal has a size, and gets another one", async () => {
    const id = await api.start({
      ...sh("trap 'stty size' WINCH; stty size; while :; do sleep 0.1; done"),
      Tty: true,
      HostConfig: { ConsoleSize: [30, 90] },
    });
    await until(async () => (await ok("logs", id)).includes("30 90"), { timeoutMs: 20_000, what: "the first size" });
    await api.bytes("POST", `/containers/${id}/resize?h=41&w=101`);
    await until(async () => (await ok("logs", id)).includes("41 101"), { timeoutMs: 20_000, what: "the second size" });
    await api.remove(id);
  });
  it("input is passed on and ended; with StdinOnce the process reads its end", async () => {
    const answer = await berth.call(["docker", "run", "--rm", "-i", "busybox", "sh", "-c", "cat; echo end"], { input: "a\nb\n" });
    expect(answer.stdout).toBe("a\nb\nend");
  });
  it("who is attached sees what it writes and how a signal ends it", async () => {
    const script = "trap 'echo caught; exit 9' INT; echo up; while :; do sleep 0.05; done";
    const attached = berth.call(["docker", "run", "--name", "watched", "busybox", "sh", "-c", script]);
    await until(async () => (await api.logs("watched")).stdout === "up", { timeoutMs: 30_000, what: "the log" });
    await api.bytes("POST", "/containers/watched/kill?signal=SIGINT");
    expect(await attached).toMatchObject({ exitCode: 9, stdout: "up\ncaught" });
    await api.remove("watched");
  });
});
