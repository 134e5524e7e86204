import type {
  BuildDefinition,
  FileReference,
  PreStartHook,
  Service,
  ServiceHook,
  ServiceNetwork,
  ServicePort,
  ServiceVolume,
  WatchRule,
} from "../../api/project.ts";
import { type Codec, type Fields, list, nullable, record, type Style, struct } from "./codec.ts";
import { deploy, deviceRequest } from "./deploy.ts";
import {
  bytes,
  choice,
  command,
  count,
  decimal,
  duration,
  environment,
  flag,
  hosts,
  integer,
  mode,
  multiOptions,
  pairs,
  sshKeys,
  strings,
  test,
  text,
  ulimit,
  word,
} from "./values.ts";

// The order of the attributes is Compose's, because the hash of a service is that of its printed form.

const hook: Codec<ServiceHook> = struct<ServiceHook>({
  command: command as Codec<string[]>,
  user: text,
  privileged: flag,
  working_dir: text,
  environment,
});

const preStartHook: Codec<PreStartHook> = struct<PreStartHook>({
  command: command as Codec<string[]>,
  image: text,
  user: text,
  privileged: flag,
  working_dir: text,
  environment,
  per_replica: flag,
});

/** The command that follows a copy; Compose prints one in JSON even where there is none. */
const watchHook: Codec<ServiceHook> = { ...hook, absent: (style) => (style === "json" ? { command: null } : undefined) };

const watchRule: Codec<WatchRule> = struct<WatchRule>({
  path: text,
  action: word<WatchRule["action"]>(),
  target: text,
  exec: watchHook,
  include: strings,
  ignore: strings,
  initial_sync: flag,
});

const fileReference: Codec<FileReference> = struct<FileReference>({ source: text, target: text, uid: text, gid: text, mode });

const ulimits = record(ulimit);

const build: Codec<BuildDefinition> = struct<BuildDefinition>({
  context: text,
  dockerfile: text,
  dockerfile_inline: text,
  entitlements: strings,
  args: environment,
  provenance: text,
  sbom: text,
  ssh: sshKeys,
  labels: pairs,
  cache_from: strings,
  cache_to: strings,
  no_cache: flag,
  no_cache_filter: strings,
  additional_contexts: pairs,
  pull: flag,
  extra_hosts: hosts,
  isolation: text,
  network: text,
  target: text,
  secrets: list(fileReference),
  shm_size: bytes,
  tags: strings,
  ulimits,
  platforms: strings,
  privileged: flag,
});

/** The limits of one device; Compose's JSON has them under the names of its program (`Path`, `Rate`), and leaves nothing out. */
function perDevice<T extends { path: string }>(fields: Fields<T>): Codec<T[]> {
  const plain = struct<T>(fields);
  const encode = (value: T, style: Style): unknown => {
    const shown = Object.entries(fields).map(([key, codec]) => {
      const one = (value as Record<string, unknown>)[key];
      const printed = one === undefined ? (key === "weight" ? 0 : key === "rate" ? "0" : "") : (codec as Codec<unknown>).encode(one, style);
      return [style === "json" ? key.charAt(0).toUpperCase() + key.slice(1) : key, printed];
    });
    return Object.fromEntries(shown);
  };
  return list({ decode: plain.decode, encode });
}

const throttle = () => perDevice<{ path: string; rate: number }>({ path: text, rate: bytes });

const serviceNetwork: Codec<ServiceNetwork> = struct<ServiceNetwork>({
  aliases: strings,
  driver_opts: pairs,
  gw_priority: integer,
  interface_name: text,
  ipv4_address: text,
  ipv6_address: text,
  link_local_ips: strings,
  mac_address: text,
  priority: integer,
});

const port: Codec<ServicePort> = struct<ServicePort>({
  name: text,
  mode: word<ServicePort["mode"]>(),
  host_ip: text,
  target: integer,
  published: text,
  protocol: text,
  app_protocol: text,
});

const volume: Codec<ServiceVolume> = struct<ServiceVolume>({
  type: word<ServiceVolume["type"]>(),
  source: text,
  target: text,
  read_only: flag,
  consistency: text,
  bind: struct<NonNullable<ServiceVolume["bind"]>>({ selinux: text, propagation: text, create_host_path: flag, recursive: text }),
  volume: struct<NonNullable<ServiceVolume["volume"]>>({ labels: pairs, nocopy: flag, subpath: text }),
  tmpfs: struct<NonNullable<ServiceVolume["tmpfs"]>>({ size: bytes, mode: integer }),
  image: struct<NonNullable<ServiceVolume["image"]>>({ subpath: text }),
});

/** A required file is printed as its path alone. */
const envFileFields = struct<NonNullable<Service["env_file"]>[number]>({ path: text, required: choice, format: text });
const envFile: Codec<NonNullable<Service["env_file"]>[number]> = {
  decode: envFileFields.decode,
  encode: (value, style) => (value.required === false ? envFileFields.encode(value, style) : value.path),
};

type Attributes = Omit<Service, "name">;

/** A service without its name, which is its key among the services. */
export const service: Codec<Attributes> = struct<Attributes>({
  profiles: strings,
  annotations: pairs,
  attach: choice,
  build,
  develop: struct<NonNullable<Service["develop"]>>({ watch: list(watchRule) }),
  blkio_config: struct<NonNullable<Service["blkio_config"]>>({
    weight: integer,
    weight_device: perDevice<{ path: string; weight: number }>({ path: text, weight: integer }),
    device_read_bps: throttle(),
    device_read_iops: throttle(),
    device_write_bps: throttle(),
    device_write_iops: throttle(),
  }),
  cap_add: strings,
  cap_drop: strings,
  cgroup_parent: text,
  cgroup: word<"host" | "private">(),
  cpu_count: integer,
  cpu_percent: decimal,
  cpu_period: integer,
  cpu_quota: integer,
  cpu_rt_period: integer,
  cpu_rt_runtime: integer,
  cpus: decimal,
  cpuset: text,
  cpu_shares: integer,
  command,
  configs: list(fileReference),
  container_name: text,
  credential_spec: struct<NonNullable<Service["credential_spec"]>>({ config: text, file: text, registry: text }),
  depends_on: record(
    struct<NonNullable<Service["depends_on"]>[string]>({
      condition: word<NonNullable<Service["depends_on"]>[string]["condition"]>(),
      restart: flag,
      required: choice,
    }),
  ),
  deploy,
  device_cgroup_rules: strings,
  devices: list(struct<NonNullable<Service["devices"]>[number]>({ source: text, target: text, permissions: text })),
  dns: strings,
  dns_opt: strings,
  dns_search: strings,
  domainname: text,
  entrypoint: command,
  provider: struct<NonNullable<Service["provider"]>>({ type: text, options: multiOptions }),
  environment,
  env_file: list(envFile),
  expose: strings,
  external_links: strings,
  extra_hosts: hosts,
  group_add: strings,
  gpus: list(deviceRequest),
  hostname: text,
  healthcheck: struct<NonNullable<Service["healthcheck"]>>({
    test,
    timeout: duration,
    interval: duration,
    retries: count,
    start_period: duration,
    start_interval: duration,
    disable: flag,
  }),
  image: text,
  init: choice,
  ipc: text,
  isolation: text,
  labels: pairs,
  label_file: strings,
  links: strings,
  logging: struct<NonNullable<Service["logging"]>>({ driver: text, options: pairs }),
  mem_limit: bytes,
  mem_reservation: bytes,
  memswap_limit: bytes,
  mem_swappiness: bytes,
  mac_address: text,
  models: record(nullable(struct<NonNullable<NonNullable<Service["models"]>[string]>>({ endpoint_var: text, model_var: text }))),
  network_mode: text,
  networks: record(nullable(serviceNetwork)),
  oom_kill_disable: flag,
  oom_score_adj: integer,
  pid: text,
  pids_limit: integer,
  platform: text,
  ports: list(port),
  privileged: flag,
  pull_policy: text,
  read_only: flag,
  restart: text,
  runtime: text,
  scale: count,
  secrets: list(fileReference),
  security_opt: strings,
  shm_size: bytes,
  stdin_open: flag,
  stop_grace_period: duration,
  stop_signal: text,
  storage_opt: pairs,
  sysctls: pairs,
  tmpfs: strings,
  tty: flag,
  ulimits,
  use_api_socket: flag,
  user: text,
  userns_mode: text,
  uts: text,
  volumes: list(volume),
  volumes_from: strings,
  working_dir: text,
  pre_start: list(preStartHook),
  post_start: list(hook),
  pre_stop: list(hook),
});
