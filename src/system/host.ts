import { accessSync, constants, readFileSync, statfsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** What differs between the machines Berth runs on, looked up once. Nothing else asks the kernel about these. */
export interface Host {
  /** `v2` unified, `v1` legacy controllers only, `hybrid` legacy plus an empty or partial unified mount. */
  readonly cgroupMode: "v2" | "v1" | "hybrid";
  /** Controllers mounted as v1, with their directory (`memory` -> /sys/fs/cgroup/memory). Empty on v2. */
  readonly cgroupV1Mounts: Readonly<Record<string, string>>;
  /** The mount of the unified hierarchy, where there is one. */
  readonly cgroup2Mount?: string;
  /** Controllers that the unified hierarchy still has. crun refuses a hybrid host while this is not empty. */
  readonly cgroup2Controllers: readonly string[];
  /** Absolute paths of the tools found on PATH; undefined where missing. */
  readonly tools: Readonly<Record<ToolName, string | undefined>>;
  /** The low-level runtime that works here, crun before runc. */
  readonly runtime: "crun" | "runc" | undefined;
  /** Capability names of the bounding set of this process, without CAP_, e.g. "NET_ADMIN". */
  readonly boundingCapabilities: readonly string[];
  readonly isRoot: boolean;
  readonly rootless: boolean;
  readonly kernel: string;
  /** OCI/Go architecture name: amd64, arm64, ... */
  readonly architecture: string;
}

const toolNames = ["crun", "runc", "conmon", "nft", "ip", "mmdebstrap", "tar", "zstd", "git", "xz", "bzip2"] as const;
export type ToolName = (typeof toolNames)[number];

/** Reads /proc once; spawns nothing. */
export function describeHost(env: Readonly<Record<string, string | undefined>> = process.env): Host {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n").flatMap(parseMount);
  const cgroup2Mount = mounts.find((mount) => mount.type === "cgroup2")?.target;
  const cgroupV1Mounts: Record<string, string> = {};
  for (const mount of mounts.filter((candidate) => candidate.type === "cgroup")) {
    for (const option of mount.options.split(","))
      if (!/^(rw|ro|name=.*|xattr|clone_children|release_agent=.*)$/.test(option)) cgroupV1Mounts[option] ??= mount.target;
  }
  const hasV1 = Object.keys(cgroupV1Mounts).length > 0;
  const cgroupMode = hasV1 ? (cgroup2Mount ? "hybrid" : "v1") : "v2";
  const cgroup2Controllers = cgroup2Mount ? words(readText(join(cgroup2Mount, "cgroup.controllers"))) : [];
  const path = (env["PATH"] ?? "").split(delimiter).concat("/usr/sbin", "/sbin", "/usr/bin", "/bin");
  const tools = Object.fromEntries(toolNames.map((name) => [name, path.map((dir) => join(dir, name)).find(isExecutable)])) as Record<
    ToolName,
    string | undefined
  >; // every tool name is a key
  const crunWorks = tools.crun !== undefined && (cgroupMode !== "hybrid" || cgroup2Controllers.length === 0);
  const base = {
    cgroupMode,
    cgroupV1Mounts,
    cgroup2Controllers,
    tools,
    runtime: crunWorks ? "crun" : tools.runc ? "runc" : undefined,
    boundingCapabilities: boundingCapabilities(readText("/proc/self/status")),
    isRoot: process.geteuid?.() === 0,
    rootless: !readText("/proc/self/uid_map").includes("4294967295"),
    kernel: readText("/proc/sys/kernel/osrelease").trim(),
    architecture: { x64: "amd64", ia32: "386" }[process.arch as string] ?? process.arch,
  } as const;
  return cgroup2Mount ? { ...base, cgroup2Mount } : base;
}

/** Bytes free for this user on the file system that holds `path`. */
export function freeBytes(path: string): number {
  const stat = statfsSync(path);
  return stat.bavail * stat.bsize;
}

/** One line of proc_pid_mountinfo(5): target, type and super options. */
function parseMount(line: string): { target: string; type: string; options: string }[] {
  const [before, after] = line.split(" - ");
  if (!before || !after) return [];
  const [type = "", , options = ""] = after.split(" ");
  return [{ target: before.split(" ")[4] ?? "", type, options }];
}

/** Names in the order of capabilities(7), bit 0 first. */
export const capabilityNames = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER " +
  "SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP " +
  "MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split(" ");

function boundingCapabilities(status: string): string[] {
  const mask = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return capabilityNames.filter((_, bit) => (mask >> BigInt(bit)) & 1n);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

const words = (text: string): string[] => text.split(/\s+/).filter(Boolean);
