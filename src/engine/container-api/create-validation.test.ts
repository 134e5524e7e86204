import { describe, expect, it } from "vitest";
import type { ContainerCreateBody, HostConfig } from "../../api/index.ts";
import { checkCreate } from "./create-validation.ts";

const facts = { cpus: 2, memoryNodes: 1, capabilities: ["CHOWN", "NET_ADMIN"] };
const check = (body: ContainerCreateBody) => checkCreate({ Image: "busybox", ...body }, facts);

/** What a Docker engine (28.5, API 1.51) answered to the same bodies. */
const refused: [string, ContainerCreateBody, string][] = [
  ["a runtime nobody has", { HostConfig: { Runtime: "nosuch" } }, "unknown or invalid runtime name: nosuch"],
  ["another isolation", { HostConfig: { Isolation: "hyperv" } }, "invalid isolation (hyperv): linux only supports 'default'"],
  [
    "processors that are not there",
    { HostConfig: { CpusetCpus: "77" } },
    "Requested CPUs are not available - requested 77, available: 0-1",
  ],
  [
    "a processor beyond all counting",
    { HostConfig: { CpusetCpus: "9999" } },
    "Invalid value 9999 for cpuset cpus: value of out range, maximum is 8192",
  ],
  [
    "more processors than there are",
    { HostConfig: { NanoCpus: 100e9 } },
    "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available",
  ],
  ["too little memory", { HostConfig: { Memory: 1000 } }, "Minimum memory limit allowed is 6MB"],
  ["a capability nobody knows", { HostConfig: { CapAdd: ["NOSUCH"] } }, 'invalid CapAdd: unknown capability: "CAP_NOSUCH"'],
  ["an IPC mode nobody knows", { HostConfig: { IpcMode: "bogus" } }, "invalid IPC mode: bogus"],
  ["a PID mode nobody knows", { HostConfig: { PidMode: "bogus" } }, "invalid PID mode: bogus"],
  ["a relative directory", { WorkingDir: "rel" }, "the working directory 'rel' is invalid, it needs to be an absolute path"],
  ["a variable without a name", { Env: ["=x"] }, "invalid environment variable: =x"],
  ["a host without an address", { HostConfig: { ExtraHosts: ["bad"] } }, 'bad format for add-host: "bad"'],
  [
    "a check more often than each millisecond",
    { Healthcheck: { Test: ["CMD", "x"], Interval: 5 } },
    "Interval in Healthcheck cannot be less than 1ms",
  ],
  ["a signal nobody knows", { StopSignal: "BOGUS" }, "invalid signal: BOGUS"],
  ["an OOM score out of range", { HostConfig: { OomScoreAdj: 5000 } }, "Invalid value 5000, range for oom score adj is [-1000, 1000]"],
  ["a quota below a millisecond", { HostConfig: { CpuQuota: 5 } }, "CPU cfs quota can not be less than 1ms (i.e. 1000)"],
  [
    "a restart policy with auto-remove",
    { HostConfig: { AutoRemove: true, RestartPolicy: { Name: "always" } } },
    "can't create 'AutoRemove' container with restart policy",
  ],
  ["a port that is none", { HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "x" }] } } }, 'invalid port specification: "x"'],
  [
    "a host name beside another one's network",
    { Hostname: "h", HostConfig: { NetworkMode: "container:x" } },
    "conflicting options: hostname and the network mode",
  ],
  [
    "a mount of a kind nobody knows",
    { HostConfig: { Mounts: [{ Type: "foo", Target: "/x" }] } } as unknown as ContainerCreateBody,
    'invalid mount config for type "foo": mount type unknown',
  ],
  [
    "a volume over the root",
    { HostConfig: { Mounts: [{ Type: "volume", Source: "v", Target: "/" }] } },
    `invalid mount config for type "volume": invalid specification: destination can't be '/'`,
  ],
];

describe("a create body", () => {
  it.each(refused)("with %s is refused in Docker's words", (_, body, message) => {
    expect(() => check(body)).toThrowError(expect.objectContaining({ message, code: "container/bad-config" }));
  });

  it("with everything in range is accepted without a warning", () => {
    const HostConfig = {
      CapAdd: ["ALL"],
      CapDrop: ["CAP_CHOWN"],
      CpusetCpus: "0-1",
      NanoCpus: 2e9,
      Memory: 64 << 20,
      SecurityOpt: ["seccomp=unconfined"],
    };
    expect(check({ WorkingDir: "/", Env: ["A=", "B"], HostConfig })).toEqual([]);
  });

  it("says nothing with a null, as some clients write what they leave out", () => {
    const nothing = { Memory: null, MemorySwap: null, MemoryReservation: null, PortBindings: { "80/tcp": [{ HostPort: null }] } };
    expect(check({ HostConfig: nothing as unknown as HostConfig })).toEqual([]);
  });

  it("that switches the OOM killer off without a limit is warned of", () => {
    expect(check({ HostConfig: { OomKillDisable: true } })[0]).toContain("no memory limit is set");
  });
});

it("a security option nobody knows is a fault of its own for Docker", () => {
  const message = 'invalid --security-opt 2: "foo=bar"';
  expect(() => check({ HostConfig: { SecurityOpt: ["foo=bar"] } })).toThrowError(
    expect.objectContaining({ message, code: "system/internal" }),
  );
});
