import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ContainerCreateBody } from "../../../src/api/index.ts";
import { busyboxEngine } from "../../support/busybox-berth.ts";
import { until } from "../../support/until.ts";

const { berth, api } = await busyboxEngine();

const sh = (script: string): Pick<ContainerCreateBody, "Cmd"> => ({ Cmd: ["sh", "-c", script] });
/** A file of the container's own cgroup, by its name in version 2 or 1. */
const cgroupFile = (v2: string, v1: string) => sh(`cat /sys/fs/cgroup/${v2} 2>/dev/null || cat /sys/fs/cgroup/${v1}`);

describe("memory", () => {
  it.concurrent("who takes more is killed, and the state says why", async () => {
    const { exitCode, state } = await api.run({ ...sh("tail /dev/zero"), HostConfig: { Memory: 16 << 20, MemorySwap: 16 << 20 } });
    expect(exitCode).toBe(137);
    expect(state).toMatchObject({ OOMKilled: true, ExitCode: 137, Status: "exited" });
  });
  it.concurrent("a kill by somebody is not taken for one for want of memory", async () => {
    const id = await api.start({ Cmd: ["sleep", "1000"], HostConfig: { Memory: 16 << 20 } });
    await api.bytes("POST", `/containers/${id}/kill`);
    expect((await api.ended(id)).state).toMatchObject({ OOMKilled: false, ExitCode: 137 });
    await api.remove(id);
  });
  it.concurrent("the limit is the cgroup's, swap is as much again", async () => {
    const body = {
      ...cgroupFile(
        "memory.max /sys/fs/cgroup/memory.swap.max",
        "memory/memory.limit_in_bytes /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes",
      ),
    };
    const { stdout } = await api.run({ ...body, HostConfig: { Memory: 64 << 20 } });
    expect(["67108864\n67108864", "67108864\n134217728"]).toContain(stdout);
  });
  it.concurrent("less than 6 MB is refused", async () => {
    await expect(api.create({ Cmd: ["true"], HostConfig: { Memory: 1000 } })).rejects.toThrow("Minimum memory limit allowed is 6MB");
  });
});

describe("processes and processors", () => {
  it.concurrent("one process too many cannot start", async () => {
    const { stderr } = await api.run({
      ...sh("for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; kill $(jobs -p)"),
      HostConfig: { PidsLimit: 5 },
    });
    expect(stderr).toContain("can't fork");
  });
  it.concurrent("a part of a processor is all it gets", async () => {
    const id = await api.start({ ...sh("while :; do :; done"), HostConfig: { NanoCpus: 250_000_000 } });
    const throttled = sh("cat /sys/fs/cgroup/cpu.stat /sys/fs/cgroup/cpu/cpu.stat 2>/dev/null").Cmd ?? [];
    await until(async () => /nr_throttled [1-9]/.test((await api.exec(id, throttled)).output), {
      timeoutMs: 20_000,
      what: "a throttled period",
    });
    const quota = cgroupFile("cpu.max", "cpu/cpu.cfs_quota_us").Cmd ?? [];
    expect((await api.exec(id, quota)).output).toMatch(/^25000( 100000)?$/);
    await api.remove(id);
  });
  it.concurrent("only the processors that were named", async () => {
    const { stdout } = await api.run({ Cmd: ["grep", "Cpus_allowed_list", "/proc/self/status"], HostConfig: { CpusetCpus: "0" } });
    expect(stdout).toBe("Cpus_allowed_list:\t0");
  });
  it.concurrent("shares", async () => {
    const { stdout } = await api.run({ ...cgroupFile("cpu.weight", "cpu/cpu.shares"), HostConfig: { CpuShares: 512 } });
    expect(["512", "20"]).toContain(stdout);
  });
});

describe("block devices", () => {
  it.concurrent("rates are the cgroup's", async () => {
    const device = readdirSync("/sys/class/block").find((name) => !/^(ram|zram)/.test(name));
    const numbers = readFileSync(`/sys/class/block/${device}/dev`, "utf8").trim();
    const { stdout } = await api.run({
      ...cgroupFile("io.max", "blkio/blkio.throttle.read_bps_device"),
      HostConfig: { BlkioDeviceReadBps: [{ Path: `/dev/${device}`, Rate: 1 << 20 }] },
    });
    expect(stdout).toContain(numbers);
    expect(stdout).toContain("1048576");
  });
  it.concurrent("a path that is none is refused", async () => {
    const body = { Cmd: ["true"], HostConfig: { BlkioDeviceReadBps: [{ Path: "/dev/null", Rate: 1 }] } };
    await expect(api.run(body)).rejects.toThrow("/dev/null, which is no block device");
  });
});

describe("what the machine cannot grant", () => {
  it.concurrent("is lowered to what it can, with a warning", async () => {
    const own = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    const mayRaise = (BigInt(`0x${/^CapBnd:\t(\w+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]}`) >> 24n) & 1n;
    const body = {
      Image: "busybox",
      ...sh("ulimit -Hn; cat /proc/self/oom_score_adj"),
      HostConfig: { Ulimits: [{ Name: "nofile", Soft: 1_000_000, Hard: 1_000_000 }], OomScoreAdj: -900 },
    };
    const { Id, Warnings } = await api.json<{ Id: string; Warnings: string[] }>("POST", "/containers/create", body);
    await api.bytes("POST", `/containers/${Id}/start`);
    const { stdout } = await api.ended(Id);
    await api.remove(Id);
    expect(Warnings).toHaveLength(mayRaise ? 0 : 2);
    expect(stdout).toBe(mayRaise ? "1000000\n-900" : `${own}\n0`);
  });
  it.concurrent("no limit by default is above the engine's own", async () => {
    const own = Number(/^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1]);
    expect(Number((await api.run(sh("ulimit -Hn"))).stdout)).toBeLessThanOrEqual(own);
  });
});

describe("a volume that is a directory of the machine", () => {
  it("is read-only where its options say so, whatever the container's mount says", async () => {
    await berth.ok(["docker", "volume", "create", "--opt", "type=none", "--opt", "o=bind,ro", "--opt", "device=/srv", "srv-ro"]);
    const { stdout, stderr } = await api.run({ ...sh("grep ' /n ' /proc/mounts; touch /n/x"), HostConfig: { Binds: ["srv-ro:/n:rw"] } });
    await berth.ok(["docker", "volume", "rm", "srv-ro"]);
    expect(stdout).toMatch(/ \/n \S+ ro,/);
    expect(stderr).toContain("Read-only file system");
  });
});
