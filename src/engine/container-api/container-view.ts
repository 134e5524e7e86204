import type { Container, ContainerConfig, EndpointSettings, HostConfig } from "../../api/index.ts";
import { defaultMaskedPaths, defaultReadonlyPaths } from "../../runtime/index.ts";
import type { ContainerRecord } from "../containers/container-record.ts";

/** Where the parts of a container's root file system are on this host. */
export interface RootPlaces {
  readonly lowerDirs: readonly string[];
  readonly upperDir: string;
  readonly workDir: string;
  readonly mergedDir: string;
}

/** Every field of HostConfig that Docker always shows, with what it shows where nothing was asked. Clients read them without looking whether they are there. */
const hostConfigDefaults = {
  Binds: null,
  ContainerIDFile: "",
  AutoRemove: false,
  VolumeDriver: "",
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  Dns: null,
  DnsOptions: null,
  DnsSearch: null,
  ExtraHosts: null,
  GroupAdd: null,
  Cgroup: "",
  Links: null,
  OomScoreAdj: 0,
  PidMode: "",
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: "",
  UsernsMode: "",
  Isolation: "",
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: "",
  BlkioWeight: 0,
  BlkioWeightDevice: null,
  BlkioDeviceReadBps: null,
  BlkioDeviceWriteBps: null,
  BlkioDeviceReadIOps: null,
  BlkioDeviceWriteIOps: null,
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: "",
  CpusetMems: "",
  Devices: null,
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: false,
  PidsLimit: null,
  Ulimits: null,
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
} as const;

const noDeviceRequest = { Driver: "", Count: 0, DeviceIDs: null, Capabilities: null, Options: null };

const noEndpoint = {
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  MacAddress: "",
  DriverOpts: null,
  GwPriority: 0,
  NetworkID: "",
  EndpointID: "",
  Gateway: "",
  IPAddress: "",
  IPPrefixLen: 0,
  IPv6Gateway: "",
  GlobalIPv6Address: "",
  GlobalIPv6PrefixLen: 0,
  DNSNames: null,
} satisfies EndpointSettings;

/** A container as GET /containers/{id}/json shows it: complete as Docker's answer is, without what only the engine needs. */
export function inspected(record: ContainerRecord, places?: RootPlaces): Container {
  const { Berth: _, ...container } = record;
  const networks = shownNetworks(record);
  const first = networks["bridge"];
  const running = record.State.Running && !record.State.Restarting;
  return {
    ...container,
    HostConfig: shownHostConfig(container),
    Config: shownConfig(container.Config),
    ...(places ? { GraphDriver: graphDriver(record, places) } : {}),
    NetworkSettings: {
      Bridge: "",
      HairpinMode: false,
      LinkLocalIPv6Address: "",
      LinkLocalIPv6PrefixLen: 0,
      SecondaryIPAddresses: null,
      SecondaryIPv6Addresses: null,
      EndpointID: first?.EndpointID ?? "",
      Gateway: first?.Gateway ?? "",
      GlobalIPv6Address: first?.GlobalIPv6Address ?? "",
      GlobalIPv6PrefixLen: first?.GlobalIPv6PrefixLen ?? 0,
      IPAddress: first?.IPAddress ?? "",
      IPPrefixLen: first?.IPPrefixLen ?? 0,
      IPv6Gateway: first?.IPv6Gateway ?? "",
      MacAddress: first?.MacAddress ?? "",
      ...container.NetworkSettings,
      ...(running ? {} : { Ports: {}, SandboxID: "", SandboxKey: "" }),
      Networks: networks,
    } as Container["NetworkSettings"], // the older fields are not in the type
  };
}

/** The networks of a container as they are shown: addresses are those of a running one, a stopped one keeps only what it asked for. */
export function shownNetworks(record: Container): Record<string, EndpointSettings> {
  const mode = record.HostConfig.NetworkMode ?? "";
  if (mode === "host" || mode === "none") return { [mode]: noEndpoint };
  const running = record.State.Running && !record.State.Restarting;
  return Object.fromEntries(
    Object.entries(record.NetworkSettings.Networks).map(([name, endpoint]) => {
      const { IPAMConfig, Links, Aliases, DriverOpts, GwPriority, NetworkID, DNSNames, MacAddress } = endpoint;
      // A start that failed leaves nothing of its attachment to be seen.
      const isNew = record.State.Status === "created" && record.State.Error === "";
      const hasNames = isNew || record.State.Status !== "created";
      const asked = {
        IPAMConfig,
        Links,
        Aliases,
        DriverOpts,
        GwPriority,
        ...(hasNames ? { NetworkID } : {}),
        ...(isNew ? { MacAddress } : {}),
      };
      const known = running ? { ...endpoint, ...asked } : asked;
      // Docker's default bridge has no names.
      const names = name === "bridge" || !DNSNames || !hasNames ? null : [...new Set([...DNSNames, record.Id.slice(0, 12)])];
      const set = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
      return [name, { ...noEndpoint, ...set, DNSNames: names }];
    }),
  );
}

function shownHostConfig({ HostConfig: hc, Name: name }: Pick<Container, "HostConfig" | "Name">): HostConfig {
  const bindings = Object.entries(hc.PortBindings ?? {}).map(([port, list]) => [
    port,
    list?.map((binding) => ({ HostIp: binding.HostIp ?? "", HostPort: binding.HostPort ?? "" })) ?? list,
  ]);
  const set = Object.fromEntries(Object.entries(hc).filter(([, value]) => value !== undefined));
  const resolved = {
    PortBindings: Object.fromEntries(bindings),
    // Clients in Go send null for a list that they do not set.
    MaskedPaths: hc.MaskedPaths ?? (hc.Privileged ? null : [...defaultMaskedPaths]),
    ReadonlyPaths: hc.ReadonlyPaths ?? (hc.Privileged ? null : [...defaultReadonlyPaths]),
    // A network of the user's has links in its endpoints alone.
    Links: isUserDefined(hc.NetworkMode) ? null : (hc.Links?.map((text) => shownLink(text, name)) ?? null),
    // -1, which clients send by default, asks for nothing.
    MemorySwappiness: hc.MemorySwappiness === -1 ? null : (hc.MemorySwappiness ?? null),
    DeviceRequests: hc.DeviceRequests?.map((request) => ({ ...noDeviceRequest, ...request })) ?? null,
    MemorySwap: hc.MemorySwap || 2 * (hc.Memory ?? 0),
  };
  const shown = { ...hostConfigDefaults, ...set, ...resolved };
  return shown as unknown as HostConfig; // the defaults hold fields of Windows, too
}

/** "db:alias" of "/web" -> "/db:/web/alias". */
function shownLink(text: string, name: string): string {
  const [ref = "", alias = ref] = text.split(":");
  return `/${ref.replace(/^\//, "")}:${name}/${alias.split("/").at(-1)}`;
}

function isUserDefined(mode: string | undefined): boolean {
  return mode !== undefined && !/^(|default|bridge|host|none|container:.*)$/.test(mode);
}

function shownConfig(config: ContainerConfig): ContainerConfig {
  const { ExposedPorts: ports, StopSignal: signal, NetworkDisabled: isOff, ...rest } = config;
  const volumes = Object.keys(config.Volumes ?? {}).length > 0 ? config.Volumes : null;
  return {
    OnBuild: null,
    ...rest,
    ...(signal ? { StopSignal: signal } : {}),
    ...(Object.keys(ports ?? {}).length > 0 ? { ExposedPorts: ports ?? {} } : {}),
    ...(isOff ? { NetworkDisabled: true } : {}),
    Volumes: volumes ?? null,
  };
}

function graphDriver(record: ContainerRecord, { lowerDirs, upperDir, workDir, mergedDir }: RootPlaces) {
  return {
    Name: "overlay2",
    Data: { ID: record.Id, LowerDir: lowerDirs.join(":"), MergedDir: mergedDir, UpperDir: upperDir, WorkDir: workDir },
  };
}
