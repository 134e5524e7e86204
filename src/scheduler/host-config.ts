import type { DeviceRequest, HostConfig, MountSpec, RestartPolicyName, Service } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import type { BodyContext } from "./body-context.ts";

/** The part of a service that is about how its containers are run on this host. */
export function hostConfig(service: Service, o: BodyContext, mounts: readonly MountSpec[]): HostConfig {
  return defined<HostConfig>({
    ...resources(service),
    Mounts: mounts.length > 0 ? [...mounts] : undefined,
    Tmpfs: service.tmpfs?.length ? Object.fromEntries(service.tmpfs.map(splitTmpfs)) : undefined,
    VolumesFrom: service.volumes_from?.map((text) => volumesFrom(text, o)),
    NetworkMode: networkMode(service, o),
    PortBindings: portBindings(service),
    RestartPolicy: restartPolicy(service),
    LogConfig: service.logging ? { Type: service.logging.driver ?? "", Config: service.logging.options ?? {} } : undefined,
    CapAdd: service.cap_add,
    CapDrop: service.cap_drop,
    CgroupnsMode: service.cgroup,
    Dns: service.dns,
    DnsOptions: service.dns_opt,
    DnsSearch: service.dns_search,
    ExtraHosts: service.extra_hosts
      ? Object.entries(service.extra_hosts).flatMap(([name, addresses]) => addresses.map((address) => `${name}:${address}`))
      : undefined,
    GroupAdd: service.group_add,
    IpcMode: service.ipc === undefined ? undefined : namespaceMode(service.ipc, o),
    PidMode: service.pid === undefined ? undefined : namespaceMode(service.pid, o),
    UTSMode: service.uts === undefined ? undefined : namespaceMode(service.uts, o),
    UsernsMode: service.userns_mode,
    Links: links(service, o),
    OomScoreAdj: service.oom_score_adj,
    Privileged: service.privileged,
    ReadonlyRootfs: service.read_only,
    SecurityOpt: service.security_opt,
    StorageOpt: service.storage_opt,
    ShmSize: service.shm_size,
    Sysctls: service.sysctls,
    Runtime: service.runtime,
    Isolation: service.isolation,
    Init: service.init,
    Annotations: service.annotations,
  });
}

function resources(service: Service): HostConfig {
  const { limits, reservations } = service.deploy?.resources ?? {};
  const cpus = service.cpus ?? limits?.cpus;
  const blkio = service.blkio_config;
  const weight = (entry: { path: string; weight: number }) => ({ Path: entry.path, Weight: entry.weight });
  const rate = (entry: { path: string; rate: number }) => ({ Path: entry.path, Rate: entry.rate });
  const gpus = [
    ...(service.gpus ?? []).map((gpu) => ({ ...gpu, capabilities: gpu.capabilities ?? ["gpu"] })),
    ...(reservations?.devices ?? []),
  ];
  return defined<HostConfig>({
    CpuShares: service.cpu_shares,
    Memory: service.mem_limit ?? limits?.memory,
    MemoryReservation: service.mem_reservation ?? reservations?.memory,
    MemorySwap: service.memswap_limit,
    MemorySwappiness: service.mem_swappiness,
    OomKillDisable: service.oom_kill_disable,
    NanoCpus: cpus === undefined ? undefined : Math.round(cpus * 1e9),
    PidsLimit: service.pids_limit ?? limits?.pids,
    CgroupParent: service.cgroup_parent,
    CpuPeriod: service.cpu_period,
    CpuQuota: service.cpu_quota,
    CpuRealtimePeriod: service.cpu_rt_period,
    CpuRealtimeRuntime: service.cpu_rt_runtime,
    CpusetCpus: service.cpuset,
    BlkioWeight: blkio?.weight,
    BlkioWeightDevice: blkio?.weight_device?.map(weight),
    BlkioDeviceReadBps: blkio?.device_read_bps?.map(rate),
    BlkioDeviceWriteBps: blkio?.device_write_bps?.map(rate),
    BlkioDeviceReadIOps: blkio?.device_read_iops?.map(rate),
    BlkioDeviceWriteIOps: blkio?.device_write_iops?.map(rate),
    Devices: service.devices?.map((device) => ({
      PathOnHost: device.source,
      PathInContainer: device.target,
      CgroupPermissions: device.permissions,
    })),
    DeviceCgroupRules: service.device_cgroup_rules,
    DeviceRequests: gpus.length > 0 ? gpus.map(deviceRequest) : undefined,
    Ulimits: service.ulimits
      ? Object.entries(service.ulimits).map(([Name, { soft, hard }]) => ({ Name, Soft: soft, Hard: hard }))
      : undefined,
  });
}

function deviceRequest(device: NonNullable<Service["gpus"]>[number]): DeviceRequest {
  return defined<DeviceRequest>({
    Driver: device.driver,
    Count: device.count ?? (device.device_ids?.length ? undefined : -1),
    DeviceIDs: device.device_ids,
    Capabilities: device.capabilities ? [device.capabilities] : undefined,
    Options: device.options,
  });
}

/** `restart`, or what `deploy.restart_policy` means for one host (compose-spec deploy.md). */
function restartPolicy(service: Service): HostConfig["RestartPolicy"] {
  if (service.restart) {
    const [name = "", retries] = service.restart.split(":");
    return { Name: name as RestartPolicyName, ...(retries ? { MaximumRetryCount: Number(retries) } : {}) }; // checked by the schema, and by the engine
  }
  const policy = service.deploy?.restart_policy;
  if (!policy) return undefined;
  const name = ({ none: "no", "on-failure": "on-failure", any: "always" } as const)[policy.condition ?? "any"];
  return { Name: name, ...(name === "on-failure" && policy.max_attempts ? { MaximumRetryCount: policy.max_attempts } : {}) };
}

function networkMode(service: Service, o: BodyContext): string {
  if (service.network_mode) return namespaceMode(service.network_mode, o);
  return mainNetwork(service, o) ?? "none";
}

/** The network that a container is created with: the highest priority, then the first by name (as Compose chooses). */
function mainNetwork(service: Service, o: Pick<BodyContext, "project">): string | undefined {
  const [first] = Object.entries(service.networks ?? defaultNetworks(o))
    .map(([key, settings]) => ({ key, priority: settings?.priority ?? 0 }))
    .sort((a, b) => b.priority - a.priority || (a.key < b.key ? -1 : 1));
  return first && (o.project.networks[first.key]?.name ?? first.key);
}

/** A service that names no network is on the project's default one. */
export function defaultNetworks({ project }: Pick<BodyContext, "project">): NonNullable<Service["networks"]> {
  return project.networks["default"] ? { default: null } : {};
}

/** "service:db" and "container:name" become the container's id. */
function namespaceMode(mode: string, o: BodyContext): string {
  if (mode.startsWith("service:")) return `container:${sharedContainer(mode.slice("service:".length), o)}`;
  if (mode.startsWith("container:"))
    return `container:${o.containerId(mode.slice("container:".length)) ?? mode.slice("container:".length)}`;
  return mode;
}

function volumesFrom(text: string, o: BodyContext): string {
  if (text.startsWith("container:")) return text.slice("container:".length);
  const [service = "", ...mode] = text.split(":");
  return [sharedContainer(service, o), ...mode].join(":");
}

function sharedContainer(service: string, o: BodyContext): string {
  const [id] = o.containersOf(service);
  if (id) return id.Id;
  throw new BerthError("scheduler/dependency-failed", `service ${o.service.name} shares with ${service}, which has no container`, {
    place: { kind: "service", name: o.service.name },
    hint: `Create ${service} first.`,
  });
}

/** "db:database": the alias and the container's own name, for every container of the service. */
function links(service: Service, o: BodyContext): string[] | undefined {
  const own = (service.links ?? []).flatMap((text) => {
    const [name = "", alias = name] = text.split(":");
    return o.containersOf(name).map((container) => `${container.Name.slice(1)}:${alias}`);
  });
  const all = [...own, ...(service.external_links ?? []).map((text) => (text.includes(":") ? text : `${text}:${text}`))];
  return all.length > 0 ? all : undefined;
}

function portBindings(service: Service): HostConfig["PortBindings"] {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of service.ports ?? []) {
    const key = `${port.target}/${port.protocol || "tcp"}`;
    bindings[key] = [...(bindings[key] ?? []), { HostIp: port.host_ip ?? "", HostPort: port.published ?? "" }];
  }
  return bindings;
}

function splitTmpfs(text: string): [string, string] {
  const at = text.indexOf(":");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** The same object without what is undefined: an absent key is not the same as one without a value. */
export function defined<T extends object>(o: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(o).filter(([, value]) => value !== undefined)) as T; // what is left has a value of its own type
}
