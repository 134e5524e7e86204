import { isAbsolute, resolve } from "node:path";
import {
  type ContainerCreateBody,
  type EndpointSettings,
  goDurationFault,
  type HealthConfig,
  type HostConfig,
  parseGoDuration,
} from "../../../api/index.ts";
import type { Call } from "../command.ts";
import type { Flags } from "../flags.ts";
import { DockerExit, UsageError } from "../usage-error.ts";
import { blockDeviceLimits, deviceRequests } from "./device-requests.ts";
import { mountSpec } from "./mount-flag.ts";
import { checkNetworks, type NetworkFlag, networkFlag } from "./network-flag.ts";
import { hostMapping } from "./option-checks.ts";
import { portBindings } from "./ports.ts";
import { restartPolicy } from "./restart.ts";
import { securityOptions } from "./security-options.ts";
import { bytesOf, resourceLimits } from "./update.ts";
import { environment, labels } from "./variables.ts";

/** What the flags of `run` and `create` ask for, as the API's body. @throws UsageError in Docker's words */
export function createBody(call: Call, attached: boolean): ContainerCreateBody {
  const { flags, args } = call;
  const [image = "", ...words] = args;
  const ports = portBindings(flags.list("publish"), flags.list("expose"));
  checkOptions(flags);
  const networks = [...flags.list("network"), ...flags.list("net")].map(networkFlag);
  checkNetworks(networks, flags);
  const main = networks[0]?.name ?? "default";
  const entrypoint = flags.text("entrypoint");
  const streams = attachedStreams(flags, attached);
  const health = healthcheck(flags);
  if (flags.given("kernel-memory")) call.printError("WARNING: --kernel-memory has no effect: the kernel has no such limit any more");
  return {
    Image: image,
    Hostname: flags.text("hostname") ?? "",
    Domainname: flags.text("domainname") ?? "",
    User: flags.text("user") ?? "",
    WorkingDir: flags.text("workdir") ?? "",
    Tty: flags.on("tty"),
    OpenStdin: flags.on("interactive"),
    StdinOnce: flags.on("interactive") && streams.stdin,
    AttachStdin: streams.stdin,
    AttachStdout: streams.stdout,
    AttachStderr: streams.stderr,
    Env: environment(call),
    Labels: labels(call),
    ExposedPorts: ports.exposed,
    Volumes: Object.fromEntries(volumes(flags, (text) => !text.includes(":")).map((volume) => [volume, {}])),
    ...(words.length > 0 ? { Cmd: words } : {}),
    ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint === "" ? [""] : [entrypoint] }),
    ...(flags.given("stop-signal") ? { StopSignal: flags.text("stop-signal") ?? "" } : {}),
    ...(flags.given("stop-timeout") ? { StopTimeout: flags.int("stop-timeout") ?? 10 } : {}),
    ...(health ? { Healthcheck: health } : {}),
    HostConfig: { ...hostConfig(call, main), PortBindings: ports.bindings },
    NetworkingConfig: { EndpointsConfig: endpoints(flags, networks) },
  };
}

/**
 * The streams that are attached: those of `-a`, all where none is named, stdin always with `-i`, none with `-d`.
 * @throws UsageError, DockerExit in Docker's words
 */
export function attachedStreams(flags: Flags, attached: boolean): Record<"stdin" | "stdout" | "stderr", boolean> {
  const named = flags.list("attach").map((name) => name.toLowerCase());
  const wrong = flags.list("attach").find((name) => !["stdin", "stdout", "stderr"].includes(name.toLowerCase()));
  if (wrong !== undefined)
    throw new UsageError(`invalid argument ${JSON.stringify(wrong)} for "-a, --attach" flag: valid streams are STDIN, STDOUT and STDERR`);
  if (!attached && named.length > 0) throw new DockerExit(1, "conflicting options: cannot specify both --attach and --detach");
  const takes = (stream: string) => attached && (named.length === 0 || named.includes(stream));
  return {
    stdin: attached && (flags.on("interactive") || named.includes("stdin")),
    stdout: takes("stdout"),
    stderr: takes("stderr"),
  };
}

function hostConfig({ flags, cwd, engine }: Call, network: string): HostConfig {
  const list = (name: string) => [...flags.list(name)];
  const text = <K extends keyof HostConfig>(key: K, name: string) => (flags.given(name) ? { [key]: flags.text(name) } : {});
  const shm = bytesOf(flags, "shm-size");
  return {
    NetworkMode: network,
    PublishAllPorts: flags.on("publish-all"),
    AutoRemove: flags.on("rm"),
    Privileged: flags.on("privileged"),
    ReadonlyRootfs: flags.on("read-only"),
    ...capabilities(list("cap-add"), list("cap-drop")),
    ExtraHosts: list("add-host").map(hostMapping),
    Dns: list("dns"),
    DnsOptions: [...list("dns-option"), ...list("dns-opt")],
    DnsSearch: list("dns-search"),
    GroupAdd: list("group-add"),
    Links: list("link"),
    ...securityOptions(list("security-opt"), cwd),
    VolumesFrom: list("volumes-from"),
    DeviceCgroupRules: list("device-cgroup-rule"),
    Binds: volumes(flags, (volume) => volume.includes(":")).map((volume) => absoluteBind(volume, cwd)),
    Mounts: [
      ...flags.list("mount").map((mount) => mountSpec(mount, cwd)),
      ...(flags.on("use-api-socket") ? [apiSocket(engine.socketPath)] : []),
    ],
    Tmpfs: Object.fromEntries(flags.list("tmpfs").map((one) => [one.split(":")[0] ?? "", one.split(":").slice(1).join(":")])),
    Sysctls: pairs(flags.list("sysctl")),
    Annotations: pairs(flags.list("annotation")),
    Devices: flags.list("device").map(device),
    Ulimits: flags
      .list("ulimit")
      .map(ulimit)
      .sort((a, b) => (a.Name < b.Name ? -1 : 1)),
    RestartPolicy: restartPolicy(flags.text("restart")),
    ...(flags.list("storage-opt").length > 0 ? { StorageOpt: pairs(flags.list("storage-opt")) } : {}),
    ...(flags.given("log-driver") || flags.given("log-opt") ? { LogConfig: logConfig(flags) } : {}),
    ...(flags.given("init") ? { Init: flags.on("init") } : {}),
    ...(flags.on("oom-kill-disable") ? { OomKillDisable: true } : {}),
    ...(flags.given("oom-score-adj") ? { OomScoreAdj: flags.int("oom-score-adj") ?? 0 } : {}),
    ...(flags.given("memory-swappiness") ? { MemorySwappiness: flags.int("memory-swappiness") ?? -1 } : {}),
    ...(shm === undefined ? {} : { ShmSize: shm }),
    ...text("IpcMode", "ipc"),
    ...text("PidMode", "pid"),
    ...text("UTSMode", "uts"),
    ...text("UsernsMode", "userns"),
    ...text("CgroupnsMode", "cgroupns"),
    ...text("CgroupParent", "cgroup-parent"),
    ...text("Runtime", "runtime"),
    ...text("Isolation", "isolation"),
    ...text("VolumeDriver", "volume-driver"),
    ...resourceLimits(flags),
    ...blockDeviceLimits(flags),
    ...deviceRequests(flags),
  };
}

function endpoints(flags: Flags, networks: readonly NetworkFlag[]): Record<string, EndpointSettings> {
  const [ip, ip6, mac] = [flags.text("ip"), flags.text("ip6"), flags.text("mac-address")];
  const [aliases, linkLocal] = [[...flags.list("network-alias"), ...flags.list("net-alias")], flags.list("link-local-ip")];
  const [first = { name: "default", settings: {} }, ...others] = networks;
  const settings: EndpointSettings = {
    ...first.settings,
    ...(aliases.length > 0 ? { Aliases: [...(first.settings.Aliases ?? []), ...aliases] } : {}),
    ...(mac ? { MacAddress: mac } : {}),
    ...(ip || ip6 || linkLocal.length > 0
      ? {
          IPAMConfig: {
            ...first.settings.IPAMConfig,
            ...(ip ? { IPv4Address: ip } : {}),
            ...(ip6 ? { IPv6Address: ip6 } : {}),
            ...(linkLocal.length > 0 ? { LinkLocalIPs: [...linkLocal] } : {}),
          },
        }
      : {}),
  };
  return Object.fromEntries([[first.name, settings], ...others.map((one) => [one.name, one.settings])]);
}

function healthcheck(flags: Flags): HealthConfig | undefined {
  const given = ["cmd", "interval", "timeout", "start-period", "start-interval", "retries"].filter((name) => flags.given(`health-${name}`));
  if (flags.on("no-healthcheck")) {
    if (given.length > 0) throw new UsageError("--no-healthcheck conflicts with --health-* options");
    return { Test: ["NONE"] };
  }
  const negative = given.find((name) => name !== "cmd" && flags.text(`health-${name}`)?.startsWith("-"));
  if (negative) throw new UsageError(`--health-${negative} cannot be negative`);
  const command = flags.text("health-cmd");
  const set: HealthConfig = {
    ...(command ? { Test: ["CMD-SHELL", command] } : {}),
    ...duration("Interval", "health-interval", flags),
    ...duration("Timeout", "health-timeout", flags),
    ...duration("StartPeriod", "health-start-period", flags),
    ...duration("StartInterval", "health-start-interval", flags),
    ...(flags.given("health-retries") ? { Retries: flags.int("health-retries") ?? 0 } : {}),
  };
  return Object.keys(set).length > 0 ? set : undefined;
}

/** "1m30s" as the API's nanoseconds. */
function duration(key: keyof HealthConfig, flag: string, flags: Flags): HealthConfig {
  const text = flags.text(flag);
  if (text === undefined) return {};
  const ns = parseGoDuration(text);
  if (ns === undefined) throw new UsageError(`invalid argument ${JSON.stringify(text)} for "--${flag}" flag: ${goDurationFault(text)}`);
  return { [key]: ns };
}

/** The engine's own socket, where programs look for Docker's (--use-api-socket). */
const apiSocket = (path: string) => ({ Type: "bind" as const, Source: path, Target: "/var/run/docker.sock" });

/** What the docker CLI refuses of a command line as a whole. @throws UsageError */
function checkOptions(flags: Flags): void {
  const refuse = (message: string): never => {
    throw new UsageError(message);
  };
  const swappiness = flags.int("memory-swappiness") ?? -1;
  if (swappiness !== -1 && (swappiness < 0 || swappiness > 100))
    refuse(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  const joins = (mode: string) => /^container:.+/.test(mode);
  const modes = {
    pid: ["--pid: invalid PID mode", (mode: string) => mode === "host" || joins(mode)],
    uts: ["--uts: invalid UTS mode", (mode: string) => mode === "host"],
    cgroupns: ["--cgroupns: invalid CGROUP mode", (mode: string) => mode === "host" || mode === "private"],
    userns: ["--userns: invalid USER mode", (mode: string) => mode === "host"],
  } as const;
  for (const [name, [message, isValid]] of Object.entries(modes)) {
    const mode = flags.text(name);
    if (mode && !isValid(mode)) refuse(message);
  }
  for (const volume of flags.list("volume")) checkVolume(volume, refuse);
  const mac = flags.text("mac-address");
  if (mac && !/^([0-9a-f]{2}[:-]){5}([0-9a-f]{2})$/i.test(mac)) refuse(`${mac} is not a valid mac address`);
  if (flags.on("rm") && !["", "no"].includes(flags.text("restart") ?? ""))
    refuse("conflicting options: cannot specify both --restart and --rm");
  if (flags.given("disable-content-trust") && !flags.on("disable-content-trust"))
    refuse("--disable-content-trust=false is not supported: images are not signed here");
}

function checkVolume(text: string, refuse: (message: string) => never): void {
  if (text === "") refuse("invalid empty volume spec");
  const pieces = text.split(":");
  if (pieces.length > 3) refuse(`invalid spec: ${text}: too many colons`);
  if (pieces.some((piece) => piece === "")) refuse(`invalid spec: ${text}: empty section between colons`);
}

/** Upper case with their prefix and in order; what is both added and dropped is added. */
function capabilities(add: readonly string[], drop: readonly string[]): { CapAdd: string[]; CapDrop: string[] } {
  const name = (text: string) => {
    const upper = text.trim().toUpperCase();
    return upper === "ALL" || upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  };
  const [added, dropped] = [[...new Set(add.map(name))].sort(), [...new Set(drop.map(name))].sort()];
  return { CapAdd: added, CapDrop: dropped.filter((one) => !added.includes(one)) };
}

const volumes = (flags: Flags, test: (text: string) => boolean) => flags.list("volume").filter(test);

function pairs(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(list.map((text) => [text.split("=")[0] ?? "", text.split("=").slice(1).join("=")]));
}

/** "/dev/a[:/dev/b][:rwm]". */
function device(text: string) {
  if (!text.startsWith("/")) throw new UsageError(`${text.split(":")[0]} is not an absolute path`);
  const mode = text.split(":").at(2);
  if (mode !== undefined && !/^[rwm]{1,3}$/.test(mode)) throw new UsageError(`bad mode specified: ${mode}`);
  const [host = "", second, third] = text.split(":");
  const isMode = second !== undefined && /^[rwm]{1,3}$/.test(second);
  return { PathOnHost: host, PathInContainer: second && !isMode ? second : host, CgroupPermissions: third ?? (isMode ? second : "rwm") };
}

/** "nofile=1024[:2048]". */
function ulimit(text: string) {
  const match = /^(\w+)=(-?\d+)(?::(-?\d+))?$/.exec(text);
  if (!match) throw new UsageError(`invalid argument ${JSON.stringify(text)} for "--ulimit" flag: invalid ulimit argument: ${text}`);
  const [, Name = "", soft, hard = soft] = match;
  return { Name, Hard: Number(hard), Soft: Number(soft) };
}

/** "./data:/data" is a path from here; a name without a slash is a volume. */
function absoluteBind(text: string, cwd: string): string {
  const [source = "", ...rest] = text.split(":");
  return [/^\.{1,2}(\/|$)/.test(source) && !isAbsolute(source) ? resolve(cwd, source) : source, ...rest].join(":");
}

/** @throws UsageError where what is not kept has options */
function logConfig(flags: Flags): { Type: string; Config: Record<string, string> } {
  const Type = flags.text("log-driver") ?? "";
  const options = flags.list("log-opt");
  if (Type === "none" && options.length > 0) throw new UsageError("invalid logging opts for driver none");
  return { Type, Config: pairs(options) };
}
