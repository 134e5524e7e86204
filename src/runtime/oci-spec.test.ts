import { describe, expect, test } from "vitest";
import type { Container, HostConfig } from "../api/index.ts";
import { effectiveCapabilities } from "./capabilities.ts";
import type { OciInput } from "./oci-input.ts";
import { ociSpec } from "./oci-spec.ts";

const bounding =
  "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_ADMIN NET_RAW SYS_CHROOT SYS_ADMIN MKNOD AUDIT_WRITE SETFCAP".split(
    " ",
  );
const modes = ["v2", "hybrid", "v1"] as const;

function spec(hc: HostConfig = {}, o: { config?: object; input?: Partial<OciInput> } = {}) {
  const container = {
    Path: "sh",
    Args: ["-c", "true"],
    Config: { Hostname: "box", Env: [], ...o.config },
    HostConfig: hc,
  } as unknown as Container; // what the translation reads
  return ociSpec({
    container,
    imageConfig: {} as OciInput["imageConfig"], // not read
    user: { uid: 0, gid: 0, additionalGids: [0], home: "/root" },
    rootfs: "/r",
    cgroupsPath: "/berth-1/x",
    namespaces: { network: "/run/netns/n" },
    mounts: [],
    etc: { hosts: "/h", "resolv.conf": "/rc", hostname: "/hn" },
    host: { boundingCapabilities: bounding, architecture: "amd64", cgroupMode: "v2" },
    devices: [],
    hardNofile: 20_000,
    ...o.input,
    // biome-ignore lint/suspicious/noExplicitAny: a literal tree that the tests look into
  }) as any;
}
const resources = (hc: HostConfig) => spec(hc).linux.resources;

describe("capabilities", () => {
  test.each([
    ["the default ones, as far as the host has them", [], [], false, bounding.filter((cap) => !["NET_ADMIN", "SYS_ADMIN"].includes(cap))],
    ["with and without CAP_, in any case", ["cap_net_admin"], ["ALL"], false, ["NET_ADMIN"]],
    ["ALL but one", ["ALL"], ["SYS_ADMIN"], false, bounding.filter((cap) => cap !== "SYS_ADMIN")],
    ["all when privileged, whatever is dropped", [], ["ALL"], true, bounding],
    ["never one that the host has not", ["SYS_TIME"], ["ALL"], false, []],
  ])("%s", (_, add, drop, privileged, expected) => {
    expect(effectiveCapabilities(add, drop, privileged, bounding)).toEqual(expected);
  });
  test("a user that is not root has them only as a bound", () => {
    const { capabilities } = spec({}, { input: { user: { uid: 1, gid: 1, additionalGids: [1], home: "/" } } }).process;
    expect(capabilities.effective).toEqual([]);
    expect(capabilities.bounding).toContain("CAP_CHOWN");
  });
});

describe("resources (runtime-spec config-linux.md)", () => {
  test("memory: swap is as much again, unlimited swap is kept", () => {
    expect(resources({ Memory: 64 }).memory).toEqual({ limit: 64, swap: 128 });
    expect(resources({ Memory: 64, MemorySwap: -1 }).memory).toEqual({ limit: 64, swap: -1 });
    expect(resources({ Memory: 64, MemoryReservation: 32, MemorySwappiness: 0 }).memory).toEqual({
      limit: 64,
      swap: 128,
      reservation: 32,
      swappiness: 0,
    });
    expect(resources({ MemorySwappiness: -1 }).memory).toBeUndefined();
  });
  test("processors: NanoCpus is a quota of 100 ms periods", () => {
    expect(resources({ NanoCpus: 500_000_000 }).cpu).toEqual({ quota: 50_000, period: 100_000 });
    expect(resources({ CpuShares: 512, CpusetCpus: "0-1", CpusetMems: "0" }).cpu).toEqual({ shares: 512, cpus: "0-1", mems: "0" });
  });
  test("pids: 0 and -1 are no limit", () => {
    expect(resources({ PidsLimit: 5 }).pids).toEqual({ limit: 5 });
    expect(resources({ PidsLimit: 0 }).pids).toBeUndefined();
    expect(resources({ PidsLimit: -1 }).pids).toBeUndefined();
  });
  test("block devices by their numbers", () => {
    const blockDevices = new Map([["/dev/a", { major: 8, minor: 16 }]]);
    const { blockIO } = spec({ BlkioWeight: 300, BlkioDeviceWriteIOps: [{ Path: "/dev/a", Rate: 9 }] }, { input: { blockDevices } }).linux
      .resources;
    expect(blockIO).toEqual({ weight: 300, throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 9 }] });
  });
  test("devices: everything is denied first, a rule that was asked for comes last", () => {
    const { devices } = resources({ DeviceCgroupRules: ["c 10:* rw"] });
    expect(devices[0]).toEqual({ allow: false, access: "rwm" });
    expect(devices.at(-1)).toEqual({ allow: true, type: "c", major: 10, access: "rw" });
    expect(resources({ Privileged: true }).devices).toEqual([{ allow: true, access: "rwm" }]);
  });
  test.each(modes)("the same in every cgroup mode, the low-level runtime converts it: %s", (cgroupMode) => {
    const hc = { Memory: 1 << 24, NanoCpus: 1e9, PidsLimit: 9, CpuShares: 2 };
    const host = { boundingCapabilities: bounding, architecture: "amd64", cgroupMode };
    const made = spec(hc, { input: { host } }).linux;
    expect(made.resources).toEqual(resources(hc));
    expect(made.cgroupsPath).toBe("/berth-1/x");
    expect(made.namespaces).toContainEqual({ type: "cgroup" });
  });
});

describe("the rest", () => {
  test("default limits are never above the engine's hard limit", () => {
    expect(spec().process.rlimits).toEqual([{ type: "RLIMIT_NOFILE", soft: 20_000, hard: 20_000 }]);
    expect(spec({ Ulimits: [{ Name: "nofile", Soft: 1, Hard: 2 }] }).process.rlimits).toEqual([
      { type: "RLIMIT_NOFILE", soft: 1, hard: 2 },
    ]);
  });
  test("a mount of the user's takes the place of ours, parents come before what is below them", () => {
    const mounts = [{ destination: "/etc/hosts", type: "bind" as const, source: "/mine", options: ["rbind"] }];
    const made = spec({}, { input: { mounts } }).mounts as { destination: string; source: string }[];
    expect(made.filter((mount) => mount.destination === "/etc/hosts")).toEqual([expect.objectContaining({ source: "/mine" })]);
    const at = (path: string) => made.findIndex((mount) => mount.destination === path);
    expect(at("/dev")).toBeLessThan(at("/dev/pts"));
  });
  test("namespaces: a path is joined, host makes none", () => {
    const { namespaces } = spec(
      {},
      { input: { namespaces: { network: "host", pid: "/proc/1/ns/pid", ipc: "host", cgroup: "host" } } },
    ).linux;
    expect(namespaces).toEqual([{ type: "mount" }, { type: "pid", path: "/proc/1/ns/pid" }, { type: "uts" }]);
  });
  test("security options", () => {
    expect(spec({ SecurityOpt: ["no-new-privileges"] }).process.noNewPrivileges).toBe(true);
    expect(spec({ SecurityOpt: ["no-new-privileges:false"] }).process.noNewPrivileges).toBe(false);
    expect(spec({ SecurityOpt: ["seccomp=unconfined"] }).linux.seccomp).toBeUndefined();
    expect(spec({ Privileged: true }).linux.seccomp).toBeUndefined();
    expect(spec().linux.seccomp.defaultAction).toBe("SCMP_ACT_ERRNO");
  });
  test("privileged: no masks, sysfs is writable", () => {
    const { linux, mounts } = spec({ Privileged: true });
    expect(linux.maskedPaths).toBeUndefined();
    expect(mounts.find((mount: { destination: string }) => mount.destination === "/sys").options).toContain("rw");
    expect(spec().linux.readonlyPaths).toContain("/proc/sys");
  });
});
