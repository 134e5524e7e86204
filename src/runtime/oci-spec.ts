import type { Container, ImageConfig } from "../api/index.ts";
import type { Host } from "../system/index.ts";
import { defaultSeccomp, readSeccomp, type SeccompProfile } from "./seccomp.ts";
import type { ContainerUser } from "./users.ts";

/** A mount with everything resolved: absolute source, OCI options. Order is the order of mounting. */
export interface ResolvedMount {
  readonly destination: string;
  readonly type: "bind" | "tmpfs" | "volume";
  readonly source: string;
  readonly options: readonly string[];
}

export interface NamespacePaths {
  /** A path joins that namespace, "host" makes none, undefined makes a new one. */
  readonly network: string | "host";
  readonly pid?: string | "host";
  readonly ipc?: string | "host";
  readonly uts?: string | "host";
  readonly cgroup?: "host";
}

export interface OciInput {
  readonly container: Container;
  readonly imageConfig: ImageConfig;
  readonly user: ContainerUser;
  readonly rootfs: string;
  readonly cgroupsPath: string;
  readonly namespaces: NamespacePaths;
  readonly mounts: readonly ResolvedMount[];
  /** Files of the host bound over /etc/hosts, /etc/resolv.conf, /etc/hostname. */
  readonly etc: Readonly<Record<"hosts" | "resolv.conf" | "hostname", string>>;
  /** Directory on the host of shared memory that is not the container's alone; undefined: it is. */
  readonly sharedMemory?: string;
  /** Path on the host of a small init, bound to /sbin/docker-init; undefined: none. */
  readonly init?: string;
  readonly host: Pick<Host, "boundingCapabilities" | "architecture" | "cgroupMode">;
  /** Device nodes of the host: all of them for a privileged container, the asked ones otherwise. */
  readonly devices: readonly {
    path: string;
    type: "c" | "b";
    major: number;
    minor: number;
    fileMode: number;
    uid: number;
    gid: number;
    access: string;
  }[];
  readonly hardNofile: number;
  /** Numbers of the devices that block I/O limits name. */
  readonly blockDevices?: ReadonlyMap<string, { readonly major: number; readonly minor: number }>;
}

const defaultCapabilities =
  "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE".split(" ");

export const defaultMaskedPaths = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
export const defaultReadonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** The capabilities of a container: Docker's default set, changed by cap_add and cap_drop, never more than this host's bounding set. */
export function effectiveCapabilities(
  add: readonly string[],
  drop: readonly string[],
  privileged: boolean,
  bounding: readonly string[],
): string[] {
  const name = (text: string) => text.toUpperCase().replace(/^CAP_/, "");
  const [added, dropped] = [add.map(name), drop.map(name)];
  const base = privileged || added.includes("ALL") ? bounding : dropped.includes("ALL") ? [] : defaultCapabilities;
  const set = new Set([...base, ...added.filter((cap) => cap !== "ALL")]);
  if (!privileged) for (const cap of dropped) if (!added.includes(cap) || dropped.includes(cap)) set.delete(cap);
  return bounding.filter((cap) => set.has(cap));
}

/** The one translation of a container record to an OCI config.json (runtime-spec config.md, config-linux.md). Pure. */
export function ociSpec(input: OciInput): Record<string, unknown> {
  const { container, user, host } = input;
  const { Config: config, HostConfig: hc } = container;
  const privileged = hc.Privileged === true;
  const caps = effectiveCapabilities(hc.CapAdd ?? [], hc.CapDrop ?? [], privileged, host.boundingCapabilities).map((cap) => `CAP_${cap}`);
  const processCaps = user.uid === 0 ? caps : [];
  const args = [container.Path, ...container.Args];
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: config.Tty === true,
      ...(config.Tty && hc.ConsoleSize?.[0] ? { consoleSize: { height: hc.ConsoleSize[0], width: hc.ConsoleSize[1] } } : {}),
      user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids, umask: 0o022 },
      args: input.init ? ["/sbin/docker-init", "--", ...args] : args,
      env: environment(config.Env ?? [], { tty: config.Tty === true, hostname: config.Hostname ?? "", home: user.home }),
      cwd: config.WorkingDir || "/",
      capabilities: { bounding: caps, effective: processCaps, permitted: processCaps, inheritable: [], ambient: [] },
      rlimits: rlimits(hc.Ulimits ?? [], input.hardNofile),
      noNewPrivileges: (hc.SecurityOpt ?? []).some((option) => /^no-new-privileges([:=]true)?$/.test(option)),
      ...(hc.OomScoreAdj ? { oomScoreAdj: hc.OomScoreAdj } : {}),
    },
    root: { path: input.rootfs, readonly: hc.ReadonlyRootfs === true },
    ...(input.namespaces.uts === "host" ? {} : { hostname: config.Hostname ?? "" }),
    mounts: mounts(input),
    annotations: { ...hc.Annotations },
    linux: {
      cgroupsPath: input.cgroupsPath,
      namespaces: namespaces(input.namespaces),
      resources: resources(input),
      sysctl: sysctls(input),
      ...(privileged ? {} : { maskedPaths: hc.MaskedPaths ?? defaultMaskedPaths, readonlyPaths: hc.ReadonlyPaths ?? defaultReadonlyPaths }),
      devices: input.devices.map(({ access: _, ...device }) => device),
      ...seccomp(
        hc.SecurityOpt ?? [],
        privileged,
        caps.map((cap) => cap.slice(4)),
        host.architecture,
      ),
      rootfsPropagation: "private",
    },
  };
}

function environment(env: readonly string[], o: { tty: boolean; hostname: string; home: string }): string[] {
  const own = new Map<string, string>([
    ["PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    ["HOSTNAME", o.hostname],
    ...(o.tty ? [["TERM", "xterm"] as [string, string]] : []),
  ]);
  for (const line of env) {
    const at = line.indexOf("=");
    if (at < 0) own.delete(line);
    else own.set(line.slice(0, at), line.slice(at + 1));
  }
  if (!own.has("HOME")) own.set("HOME", o.home);
  return [...own].map(([key, value]) => `${key}=${value}`);
}

function rlimits(asked: readonly { Name: string; Soft: number; Hard: number }[], hardNofile: number) {
  const list = asked.map(({ Name, Soft, Hard }) => ({ type: `RLIMIT_${Name.toUpperCase()}`, soft: unsigned(Soft), hard: unsigned(Hard) }));
  // Without CAP_SYS_RESOURCE a hard limit cannot be raised: the default is what the engine itself has.
  if (!list.some((limit) => limit.type === "RLIMIT_NOFILE"))
    list.push({ type: "RLIMIT_NOFILE", soft: Math.min(1048576, hardNofile), hard: Math.min(1048576, hardNofile) });
  return list;
}

const unsigned = (value: number) => (value < 0 ? Number.MAX_SAFE_INTEGER : value);

function mounts(input: OciInput) {
  const { container, etc } = input;
  const hc = container.HostConfig;
  const privileged = hc.Privileged === true;
  const sysOptions = ["nosuid", "noexec", "nodev", privileged ? "rw" : "ro"];
  const list: { destination: string; type: string; source: string; options: string[] }[] = [
    { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
    { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755", "size=65536k"] },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: sysOptions },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: [...sysOptions, "relatime"] },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
  ];
  if (input.sharedMemory) list.push({ destination: "/dev/shm", type: "bind", source: input.sharedMemory, options: ["rbind", "rprivate"] });
  else if (hc.IpcMode !== "none")
    list.push({
      destination: "/dev/shm",
      type: "tmpfs",
      source: "shm",
      options: ["nosuid", "noexec", "nodev", "mode=1777", `size=${hc.ShmSize || 67108864}`],
    });
  if (input.init) list.push({ destination: "/sbin/docker-init", type: "bind", source: input.init, options: ["bind", "ro", "rprivate"] });
  const asked = input.mounts.map((mount) => ({
    destination: mount.destination,
    type: mount.type === "tmpfs" ? "tmpfs" : "bind",
    source: mount.source,
    options: [...mount.options],
  }));
  const targets = new Set(asked.map((mount) => mount.destination));
  const files = (["hosts", "resolv.conf", "hostname"] as const)
    .filter((name) => !targets.has(`/etc/${name}`))
    .map((name) => ({
      destination: `/etc/${name}`,
      type: "bind",
      source: etc[name],
      options: ["bind", "rprivate", hc.ReadonlyRootfs ? "ro" : "rw"],
    }));
  // The files last: a mount over /etc is not to hide them.
  return [...list.filter((mount) => !targets.has(mount.destination)), ...asked, ...files];
}

function namespaces(paths: NamespacePaths) {
  const one = (type: string, path: string | undefined) => (path === "host" ? [] : [path ? { type, path } : { type }]);
  return [
    { type: "mount" },
    ...one("network", paths.network),
    ...one("pid", paths.pid),
    ...one("ipc", paths.ipc),
    ...one("uts", paths.uts),
    ...(paths.cgroup === "host" ? [] : [{ type: "cgroup" }]),
  ];
}

/** Device cgroup rules: nothing, then the nodes every container has, then what was asked. */
function deviceRules(input: OciInput) {
  if (input.container.HostConfig.Privileged) return [{ allow: true, access: "rwm" }];
  const allow = (type: "c" | "b", major?: number, minor?: number, access = "rwm") => ({
    allow: true,
    type,
    ...(major === undefined ? {} : { major }),
    ...(minor === undefined ? {} : { minor }),
    access,
  });
  return [
    { allow: false, access: "rwm" },
    allow("c", undefined, undefined, "m"),
    allow("b", undefined, undefined, "m"),
    ...[
      [1, 3],
      [1, 5],
      [1, 7],
      [1, 8],
      [1, 9],
      [5, 0],
      [5, 2],
    ].map(([major, minor]) => allow("c", major, minor)),
    allow("c", 136),
    ...input.devices.map((device) => allow(device.type, device.major, device.minor, device.access)),
    ...(input.container.HostConfig.DeviceCgroupRules ?? []).flatMap(cgroupRule),
  ];
}

/** "c 1:3 rwm", "a *:* rwm" (Docker's --device-cgroup-rule). */
function cgroupRule(text: string) {
  const match = /^([abc]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text.trim());
  if (!match) return [];
  const [, type = "a", major = "*", minor = "*", access = "rwm"] = match;
  return [
    { allow: true, type, ...(major === "*" ? {} : { major: Number(major) }), ...(minor === "*" ? {} : { minor: Number(minor) }), access },
  ];
}

/** runtime-spec config-linux.md, resources. Also the body of an update. */
export function resources(input: OciInput) {
  const hc = input.container.HostConfig;
  const memory = hc.Memory || undefined;
  // Docker: swap unset is as much again as the memory.
  const swap = hc.MemorySwap ? hc.MemorySwap : memory ? memory * 2 : undefined;
  const period = hc.NanoCpus ? 100_000 : hc.CpuPeriod || undefined;
  const quota = hc.NanoCpus ? Math.round(hc.NanoCpus / 10_000) : hc.CpuQuota || undefined;
  return prune({
    devices: deviceRules(input),
    memory: prune({
      limit: memory,
      swap,
      reservation: hc.MemoryReservation || undefined,
      // -1, which clients send by default, means the kernel's own.
      swappiness: hc.MemorySwappiness === -1 ? undefined : (hc.MemorySwappiness ?? undefined),
      disableOOMKiller: hc.OomKillDisable || undefined,
    }),
    cpu: prune({ shares: hc.CpuShares || undefined, quota, period, cpus: hc.CpusetCpus || undefined, mems: hc.CpusetMems || undefined }),
    pids: hc.PidsLimit && hc.PidsLimit > 0 ? { limit: hc.PidsLimit } : undefined,
    blockIO: blockIo(input),
  });
}

/** runtime-spec config-linux.md, blockIO */
function blockIo({ container: { HostConfig: hc }, blockDevices }: OciInput) {
  const each = <T extends { Path: string }>(list: readonly T[] | null | undefined, value: (entry: T) => object) =>
    list?.length ? list.map((entry) => ({ ...blockDevices?.get(entry.Path), ...value(entry) })) : undefined;
  const rate = ({ Rate }: { Rate: number }) => ({ rate: Rate });
  return prune({
    weight: hc.BlkioWeight || undefined,
    weightDevice: each(hc.BlkioWeightDevice, ({ Weight }) => ({ weight: Weight })),
    throttleReadBpsDevice: each(hc.BlkioDeviceReadBps, rate),
    throttleWriteBpsDevice: each(hc.BlkioDeviceWriteBps, rate),
    throttleReadIOPSDevice: each(hc.BlkioDeviceReadIOps, rate),
    throttleWriteIOPSDevice: each(hc.BlkioDeviceWriteIOps, rate),
  });
}

function prune<T extends Record<string, unknown>>(object: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(object).filter(
      ([, value]) =>
        value !== undefined && !(typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0),
    ),
  ) as Partial<T>; // a subset of the same entries
}

function sysctls(input: OciInput): Record<string, string> {
  const own =
    input.namespaces.network === "host" ? {} : { "net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647" };
  return {
    ...own,
    ...input.container.HostConfig.Sysctls,
    ...(input.container.Config.Domainname && input.namespaces.uts !== "host"
      ? { "kernel.domainname": input.container.Config.Domainname }
      : {}),
  };
}

function seccomp(
  options: readonly string[],
  privileged: boolean,
  capabilities: readonly string[],
  architecture: string,
): { seccomp?: SeccompProfile } {
  const given = options.map((option) => /^seccomp[=:](.*)$/s.exec(option)?.[1]).find((value) => value !== undefined);
  if (given === "unconfined" || (privileged && given === undefined)) return {};
  return { seccomp: given && given !== "builtin" ? readSeccomp(given) : defaultSeccomp(capabilities, architecture) };
}
