import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { availableParallelism, hostname, totalmem } from "node:os";
import type { BerthPaths, Host } from "../../system/index.ts";
import type { Containers } from "../containers/containers.ts";
import { version } from "./version.ts";

/** GET /info: complete enough for clients that look before they work. What Berth has no counterpart of says so: no swarm, no plugins, no containerd. */
export function systemInfo(o: {
  paths: BerthPaths;
  host: Host;
  containers: Containers;
  images: number;
  listeners: number;
  warnings: readonly string[];
}): Record<string, unknown> {
  const { host, paths } = o;
  const list = o.containers.list();
  const count = (status: string) => list.filter((record) => record.State.Status === status).length;
  const os = osRelease();
  return {
    ID: engineId(paths.root),
    Containers: list.length,
    ContainersRunning: count("running"),
    ContainersPaused: count("paused"),
    ContainersStopped: list.length - count("running") - count("paused"),
    Images: o.images,
    Driver: "overlay2",
    DriverStatus: [
      ["Supports d_type", "true"],
      ["Using metacopy", "false"],
      ["Native Overlay Diff", "true"],
    ],
    Plugins: {
      Volume: ["local"],
      Network: ["bridge", "host", "ipvlan", "macvlan", "null"],
      Authorization: null,
      Log: ["json-file", "local", "none"],
    },
    MemoryLimit: true,
    SwapLimit: true,
    KernelMemoryTCP: host.cgroupMode !== "v2",
    CpuCfsPeriod: true,
    CpuCfsQuota: true,
    CPUShares: true,
    CPUSet: true,
    PidsLimit: true,
    IPv4Forwarding: true,
    OomKillDisable: host.cgroupMode !== "v2",
    Debug: false,
    NFd: 0,
    NGoroutines: 0,
    SystemTime: new Date().toISOString(),
    LoggingDriver: "json-file",
    CgroupDriver: "cgroupfs",
    CgroupVersion: host.cgroupMode === "v2" ? "2" : "1",
    NEventsListener: o.listeners,
    KernelVersion: host.kernel,
    OperatingSystem: os["PRETTY_NAME"] ?? "Linux",
    OSVersion: os["VERSION_ID"] ?? "",
    OSType: "linux",
    Architecture: { x64: "x86_64", arm64: "aarch64" }[process.arch as string] ?? process.arch,
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: {
      AllowNondistributableArtifactsCIDRs: null,
      AllowNondistributableArtifactsHostnames: null,
      InsecureRegistryCIDRs: ["::1/128", "127.0.0.0/8"],
      IndexConfigs: { "docker.io": { Name: "docker.io", Mirrors: [], Secure: true, Official: true } },
      Mirrors: null,
    },
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    GenericResources: null,
    DockerRootDir: paths.root,
    HttpProxy: proxy("HTTP_PROXY"),
    HttpsProxy: proxy("HTTPS_PROXY"),
    NoProxy: proxy("NO_PROXY"),
    Name: hostname(),
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: version,
    Runtimes: { runc: { path: host.runtime ?? "" } },
    DefaultRuntime: "runc",
    Swarm: { NodeID: "", NodeAddr: "", LocalNodeState: "inactive", ControlAvailable: false, Error: "", RemoteManagers: null },
    LiveRestoreEnabled: true,
    Isolation: "",
    InitBinary: "docker-init",
    ContainerdCommit: { ID: "" },
    RuncCommit: { ID: "" },
    InitCommit: { ID: "" },
    SecurityOptions: ["name=seccomp,profile=builtin", ...(host.cgroupMode === "v2" ? ["name=cgroupns"] : [])],
    FirewallBackend: { Driver: "nftables" },
    CDISpecDirs: [],
    Warnings: o.warnings.length > 0 ? [...o.warnings] : null,
  };
}

/** Stable for one state directory, in the form of a UUID as Docker's is. */
function engineId(root: string): string {
  const hex = createHash("sha256").update(root).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

/** os-release(5). */
function osRelease(): Record<string, string> {
  let text = "";
  try {
    text = readFileSync("/etc/os-release", "utf8");
  } catch {
    // a system without it has no name
  }
  return Object.fromEntries(
    text.split("\n").flatMap((line) => {
      const match = /^([A-Z_]+)="?(.*?)"?$/.exec(line);
      return match ? [[match[1] ?? "", match[2] ?? ""]] : [];
    }),
  );
}

/** Without the credentials that may stand in it. */
function proxy(name: string): string {
  const value = process.env[name] ?? process.env[name.toLowerCase()] ?? "";
  return value.replace(/\/\/[^@/]*@/, "//xxxxx:xxxxx@");
}
