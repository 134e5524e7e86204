import { expect, test } from "vitest";
import { ownProcs } from "./cgroup-moves.ts";

const v1 = { cgroupV1Mounts: { pids: "/sys/fs/cgroup/pids", cpu: "/sys/fs/cgroup/cpu" } };
const v2 = { cgroupV1Mounts: {}, cgroup2Mount: "/sys/fs/cgroup" };

test("the unified hierarchy", () => {
  expect(ownProcs(v2, "0::/user.slice/a:b.scope\n")).toBe("/sys/fs/cgroup/user.slice/a:b.scope/cgroup.procs");
});

test("the first of the others that is mounted; named ones are not", () => {
  expect(ownProcs(v1, "12:name=systemd:/x\n4:cpu,cpuacct:/own\n3:pids:/\n0::/\n")).toBe("/sys/fs/cgroup/cpu/own/cgroup.procs");
});

test("none that this process cannot see", () => {
  expect(ownProcs(v2, "0::/../other\n")).toBeUndefined();
  expect(ownProcs({ cgroupV1Mounts: {} }, "0::/\n")).toBeUndefined();
  expect(ownProcs(v2, "")).toBeUndefined();
});
