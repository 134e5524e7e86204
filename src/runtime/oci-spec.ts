import { effectiveCapabilities } from "./capabilities.ts";
import type { NamespacePaths, OciInput } from "./oci-input.ts";
import { ociMounts } from "./oci-mounts.ts";
import { ociResources } from "./oci-resources.ts";
import { defaultSeccomp, readSeccomp, type SeccompProfile } from "./seccomp.ts";

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
    mounts: ociMounts(input),
    annotations: { ...hc.Annotations },
    linux: {
      cgroupsPath: input.cgroupsPath,
      namespaces: namespaces(input.namespaces),
      resources: ociResources(input),
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
  const given = options.flatMap((option) => /^seccomp[=:](.*)$/s.exec(option)?.[1] ?? []).at(-1); // of several the last one counts
  if (given === "unconfined" || (privileged && given === undefined)) return {};
  return { seccomp: given && given !== "builtin" ? readSeccomp(given) : defaultSeccomp(capabilities, architecture) };
}
