import { isIP } from "node:net";
import { posix } from "node:path";
import type { ContainerConfig, ContainerCreateBody, HostConfig } from "../../api/index.ts";
import { BerthError } from "../../system/index.ts";
import { signalNumber } from "../containers/signals.ts";
import { checkMountSpecs } from "./mount-validation.ts";

/** What a create body is checked against. */
export interface HostFacts {
  /** Online processors. */
  readonly cpus: number;
  readonly memoryNodes: number;
  /** Capability names that the kernel knows, without CAP_. */
  readonly capabilities: readonly string[];
}

/**
 * Refuses what cannot be done, in the Docker engine's words (clients match on them), and answers its warnings. Pure.
 * @throws BerthError container/bad-config
 */
export function checkCreate(body: ContainerCreateBody, facts: HostFacts): string[] {
  const hostConfig = body.HostConfig ?? {};
  checkJoining(body);
  if (hostConfig.Isolation && hostConfig.Isolation !== "default")
    refuse(`invalid isolation (${hostConfig.Isolation}): linux only supports 'default'`);
  checkMountSpecs(hostConfig);
  checkConfig(body);
  checkPorts(hostConfig);
  checkResources(hostConfig, facts);
  checkPolicies(hostConfig);
  checkNamespaces(hostConfig);
  checkSecurity(hostConfig, facts);
  checkNetwork(body);
  return warnings(hostConfig);
}

function refuse(message: string, hint?: string): never {
  throw new BerthError("container/bad-config", message, hint ? { hint } : {});
}

function checkConfig(config: ContainerConfig): void {
  if (config.WorkingDir && !config.WorkingDir.startsWith("/"))
    refuse(`the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`);
  for (const line of config.Env ?? []) if (line === "" || line.startsWith("=")) refuse(`invalid environment variable: ${line}`);
  if (config.StopSignal) {
    try {
      signalNumber(config.StopSignal);
    } catch {
      refuse(`invalid signal: ${config.StopSignal}`);
    }
  }
  const health = config.Healthcheck;
  for (const name of ["Interval", "Timeout", "StartPeriod", "StartInterval"] as const) {
    const value = health?.[name] ?? 0;
    if (value !== 0 && value < 1_000_000) refuse(`${name} in Healthcheck cannot be less than 1ms`);
  }
  if ((health?.Retries ?? 0) < 0) refuse("Retries in Healthcheck cannot be negative");
}

function checkResources(hc: HostConfig, host: HostFacts): void {
  // A null is what was not said, too.
  const [memory, swap, reservation] = [hc.Memory ?? 0, hc.MemorySwap ?? 0, hc.MemoryReservation ?? 0];
  if (memory !== 0 && memory < 6 * 1024 * 1024) refuse("Minimum memory limit allowed is 6MB");
  if (memory > 0 && swap > 0 && swap < memory) refuse("Minimum memoryswap limit should be larger than memory limit, see usage");
  if (memory === 0 && swap > 0) refuse("You should always set the Memory limit when using Memoryswap limit, see usage");
  if (reservation > 0 && reservation < 6 * 1024 * 1024) refuse("Minimum memory reservation allowed is 6MB");
  if (memory > 0 && reservation > memory) refuse("Minimum memory limit can not be less than memory reservation limit, see usage");
  const swappiness = hc.MemorySwappiness ?? -1;
  if (swappiness < -1 || swappiness > 100) refuse(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  if (hc.NanoCpus && (hc.CpuPeriod || hc.CpuQuota))
    refuse(`Conflicting options: Nano CPUs and CPU ${hc.CpuPeriod ? "Period" : "Quota"} cannot both be set`);
  checkCpus(hc, host.cpus);
  if (hc.CpusetMems) checkSet(hc.CpusetMems, { name: "mems", title: "memory nodes", count: host.memoryNodes });
  if ((hc.ShmSize ?? 0) < 0) refuse("SHM size can not be less than 0");
  const score = hc.OomScoreAdj ?? 0;
  if (score < -1000 || score > 1000) refuse(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  if (hc.StorageOpt && Object.keys(hc.StorageOpt).length > 0)
    throw new BerthError("system/internal", "--storage-opt is supported only for overlay over xfs with 'pquota' mount option", {
      hint: "Leave storage_opt out.",
    });
}

/** The limits of processor time and of which processors, of a new container and of an update. @throws BerthError container/bad-config */
export function checkCpus(hc: Pick<HostConfig, "NanoCpus" | "CpuPeriod" | "CpuQuota" | "CpusetCpus">, count: number): void {
  if (hc.NanoCpus && (hc.NanoCpus < 0 || hc.NanoCpus > count * 1e9))
    refuse(`range of CPUs is from 0.01 to ${count.toFixed(2)}, as there are only ${count} CPUs available`);
  if (hc.CpuPeriod && (hc.CpuPeriod < 1000 || hc.CpuPeriod > 1_000_000))
    refuse("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  if (hc.CpuQuota && hc.CpuQuota > 0 && hc.CpuQuota < 1000) refuse("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  if (hc.CpusetCpus) checkSet(hc.CpusetCpus, { name: "cpus", title: "CPUs", count });
}

/** "0-3,5" of things that are numbered from 0. */
function checkSet(text: string, o: { name: "cpus" | "mems"; title: string; count: number }): void {
  const asked = numberList(text);
  if (!asked) refuse(`Invalid value ${text} for cpuset ${o.name}: invalid format: ${text}`);
  if (asked.some((number) => number > 8192)) refuse(`Invalid value ${text} for cpuset ${o.name}: value of out range, maximum is 8192`);
  if (asked.some((number) => number >= o.count))
    refuse(`Requested ${o.title} are not available - requested ${text}, available: 0${o.count > 1 ? `-${o.count - 1}` : ""}`);
}

/** "0-3,5" -> the numbers; undefined for anything else. */
function numberList(text: string): number[] | undefined {
  const list: number[] = [];
  for (const part of text.split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
    if (!match || last < first) return undefined;
    // Far beyond what there can be: one number says it.
    if (last > 8192) list.push(last);
    else for (let number = first; number <= last; number++) list.push(number);
  }
  return list;
}

function checkPolicies(hc: HostConfig): void {
  const policy: string = hc.RestartPolicy?.Name ?? "";
  if (!["", "no", "always", "on-failure", "unless-stopped"].includes(policy))
    refuse(`invalid restart policy: unknown policy '${policy}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  const retries = hc.RestartPolicy?.MaximumRetryCount ?? 0;
  if (retries !== 0 && policy !== "on-failure") refuse("invalid restart policy: maximum retry count can only be used with 'on-failure'");
  if (retries < 0) refuse("invalid restart policy: maximum retry count cannot be negative");
  if (hc.AutoRemove && policy !== "" && policy !== "no") refuse("can't create 'AutoRemove' container with restart policy");
  if (hc.Runtime && !["runc", "crun", "io.containerd.runc.v2"].includes(hc.Runtime))
    refuse(`unknown or invalid runtime name: ${hc.Runtime}`, "Berth runs crun, or runc where crun does not work; leave `runtime` out.");
}

/** Options that the network of another container, or of the host, excludes (moby, runconfig). */
function checkJoining(body: ContainerCreateBody): void {
  const hc = body.HostConfig ?? {};
  const mode = hc.NetworkMode ?? "";
  if (mode === "container" || mode.startsWith("container:")) {
    if (!/^container:./.test(mode)) refuse("invalid network mode: invalid container format container:<name|id>");
    if (body.Hostname) refuse("conflicting options: hostname and the network mode");
    if (hc.Links?.length)
      refuse("conflicting options: container type network can't be used with links. This would result in undefined behavior");
    if (hc.Dns?.length) refuse("conflicting options: dns and the network mode");
    if (hc.ExtraHosts?.length) refuse("conflicting options: custom host-to-IP mapping and the network mode");
    if (Object.keys(hc.PortBindings ?? {}).length > 0 || hc.PublishAllPorts)
      refuse("conflicting options: port publishing and the container type network mode");
    if (Object.keys(body.ExposedPorts ?? {}).length > 0) refuse("conflicting options: port exposing and the container type network mode");
  }
  if (hc.UTSMode === "host" && body.Hostname) refuse("conflicting options: hostname and the UTS mode");
  if (mode === "host" && hc.Links?.length)
    refuse("conflicting options: host type networking can't be used with links. This would result in undefined behavior");
  if (hc.IOMaximumBandwidth) refuse("invalid option: QoS maximum bandwidth configuration is not supported on linux");
  if (hc.IOMaximumIOps) refuse("invalid option: QoS maximum IOPs configuration is not supported on linux");
  if ((hc.CpuShares ?? 0) < 0) refuse(`invalid CPU shares (${hc.CpuShares}): value must be a positive integer`);
}

function checkPorts(hc: HostConfig): void {
  const isPort = (text: string) => /^\d+$/.test(text) && Number(text) < 65536;
  for (const [key, bindings] of Object.entries(hc.PortBindings ?? {})) {
    const [port = ""] = key.split("/");
    if (!isPort(port)) refuse(`invalid port specification: "${port}"`);
    for (const binding of bindings ?? []) {
      const given = binding.HostPort ?? "";
      const ends = (given.split("/")[0] ?? "").split("-");
      if (given !== "" && (ends.length > 2 || !ends.every(isPort) || Number(ends[1] ?? ends[0]) < Number(ends[0])))
        refuse(`invalid port specification: "${given}"`);
    }
  }
  for (const key of Object.keys(hc.Annotations ?? {}))
    if (key === "") refuse("invalid Annotations: the empty string is not permitted as an annotation key");
}

function checkNamespaces(hc: HostConfig): void {
  const other = /^container:.+/;
  if (hc.IpcMode && !other.test(hc.IpcMode) && !["none", "private", "shareable", "host"].includes(hc.IpcMode))
    refuse(`invalid IPC mode: ${hc.IpcMode}`);
  if (hc.PidMode && !other.test(hc.PidMode) && hc.PidMode !== "host") refuse(`invalid PID mode: ${hc.PidMode}`);
  if (hc.UTSMode && hc.UTSMode !== "host") refuse(`invalid UTS mode: ${hc.UTSMode}`);
  if (hc.CgroupnsMode && !["private", "host"].includes(hc.CgroupnsMode)) refuse(`invalid cgroup namespace mode: ${hc.CgroupnsMode}`);
}

function checkSecurity(hc: HostConfig, { capabilities }: HostFacts): void {
  for (const [field, list] of [
    ["CapAdd", hc.CapAdd],
    ["CapDrop", hc.CapDrop],
  ] as const)
    for (const name of list ?? []) {
      const bare = name.toUpperCase().replace(/^CAP_/, "");
      if (bare !== "ALL" && !capabilities.includes(bare)) refuse(`invalid ${field}: unknown capability: "CAP_${bare}"`);
    }
  for (const option of hc.SecurityOpt ?? []) {
    // Docker's own number of the fault is in its words: 1 for what has no value, 2 for a name or a value that it does not know.
    const [name = "", value] = option.split(/[=:](.*)/s);
    const known = value === undefined ? ["no-new-privileges", "writable-cgroups"].includes(name) : isSecurityOption(name, value);
    if (!known) throw new BerthError("system/internal", `invalid --security-opt ${value === undefined ? 1 : 2}: "${option}"`);
  }
}

function isSecurityOption(name: string, value: string): boolean {
  const isTruth = /^(1|t|true|0|f|false)$/i.test(value);
  if (name === "systempaths") return value === "unconfined";
  return ["label", "apparmor", "seccomp"].includes(name) || (["no-new-privileges", "writable-cgroups"].includes(name) && isTruth);
}

function checkNetwork(body: ContainerCreateBody): void {
  const hc = body.HostConfig ?? {};
  for (const entry of hc.ExtraHosts ?? []) {
    const [, address] = /^[^:]+:(.+)/s.exec(entry) ?? [];
    if (address === undefined) refuse(`bad format for add-host: "${entry}"`, 'It has the form "name:address".');
    if (address !== "host-gateway" && isIP(address.replace(/^\[(.*)\]$/, "$1")) === 0)
      refuse(`invalid IP address in add-host: "${address}"`);
  }
  for (const target of Object.keys(hc.Tmpfs ?? {})) {
    if (posix.normalize(target) === "/") refuse("invalid specification: destination can't be '/'");
    if (!target.startsWith("/")) refuse(`invalid mount path: '${target}' mount path must be absolute`);
  }
}

function warnings(hc: HostConfig): string[] {
  const list: string[] = [];
  if (hc.OomKillDisable && !hc.Memory)
    list.push(
      "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
    );
  if (hc.NetworkMode === "host" && Object.keys(hc.PortBindings ?? {}).length > 0)
    list.push("Published ports are discarded when using host network mode");
  if (hc.Mounts?.some((mount) => mount.Type === "image")) list.push("Image mount is an experimental feature");
  return list;
}
