/**
 * The canonical project: what `src/spec` makes of a user's files, what `berth config` prints, what PUT /projects/{name} carries.
 * Field names are those of the Compose specification; everything is resolved: short forms expanded, paths absolute, variables
 * interpolated, files merged. Durations are integer nanoseconds, sizes bytes (numbers), modes numbers.
 */

export interface Project {
  name: string;
  services: Record<string, Service>;
  networks: Record<string, NetworkDefinition>;
  volumes: Record<string, VolumeDefinition>;
  secrets: Record<string, FileObject>;
  configs: Record<string, FileObject>;
  models?: Record<string, ModelDefinition>;
  /** Top-level x- keys. */
  extensions?: Record<string, unknown>;
  /** What stands between the parts of containers' and images' names: "-" where it is not given (`--compatibility`). */
  name_separator?: "-" | "_";
  /** Absolute. For the labels and for `berth ls`. */
  working_dir: string;
  /** Absolute paths of the files it was read from ("-" for stdin). */
  config_files: string[];
  environment_files?: string[];
  /** Profiles that were active. */
  profiles?: string[];
  /** Names of the services whose profiles are not active: their containers are no orphans. */
  disabled_services?: string[];
}

export type DependencyCondition = "service_started" | "service_healthy" | "service_completed_successfully";

export interface Service {
  name: string;
  annotations?: Record<string, string>;
  attach?: boolean;
  blkio_config?: {
    weight?: number;
    weight_device?: { path: string; weight: number }[];
    device_read_bps?: { path: string; rate: number }[];
    device_write_bps?: { path: string; rate: number }[];
    device_read_iops?: { path: string; rate: number }[];
    device_write_iops?: { path: string; rate: number }[];
  };
  build?: BuildDefinition;
  cap_add?: string[];
  cap_drop?: string[];
  cgroup?: "host" | "private";
  cgroup_parent?: string;
  /** null: absent (the image's). [] clears the image's. */
  command: string[] | null;
  configs?: FileReference[];
  container_name?: string;
  cpu_count?: number;
  cpu_percent?: number;
  cpu_period?: number;
  cpu_quota?: number;
  cpu_rt_period?: number;
  cpu_rt_runtime?: number;
  cpu_shares?: number;
  cpus?: number;
  cpuset?: string;
  credential_spec?: { config?: string; file?: string; registry?: string };
  depends_on?: Record<string, { condition: DependencyCondition; restart?: boolean; required: boolean }>;
  deploy?: Deploy;
  develop?: { watch: WatchRule[] };
  device_cgroup_rules?: string[];
  devices?: { source: string; target: string; permissions: string }[];
  dns?: string[];
  dns_opt?: string[];
  dns_search?: string[];
  domainname?: string;
  entrypoint: string[] | null;
  /** The complete environment: env_file, interpolation and pass-through are already in it. null: variable to be removed. */
  environment?: Record<string, string | null>;
  env_file?: { path: string; required?: boolean; format?: string }[];
  expose?: string[];
  /** Host name -> addresses ("host-gateway" is one). */
  extra_hosts?: Record<string, string[]>;
  external_links?: string[];
  gpus?: DeviceReservation[];
  group_add?: string[];
  healthcheck?: {
    test?: string[];
    timeout?: number;
    interval?: number;
    start_period?: number;
    start_interval?: number;
    retries?: number;
    disable?: boolean;
  };
  hostname?: string;
  image?: string;
  init?: boolean;
  ipc?: string;
  isolation?: string;
  labels?: Record<string, string>;
  label_file?: string[];
  links?: string[];
  logging?: { driver?: string; options?: Record<string, string> };
  mac_address?: string;
  mem_limit?: number;
  mem_reservation?: number;
  mem_swappiness?: number;
  /** -1: unlimited. */
  memswap_limit?: number;
  models?: Record<string, { endpoint_var?: string; model_var?: string } | null>;
  network_mode?: string;
  /** null: default attachment. */
  networks?: Record<string, ServiceNetwork | null>;
  oom_kill_disable?: boolean;
  oom_score_adj?: number;
  pid?: string;
  pids_limit?: number;
  platform?: string;
  ports?: ServicePort[];
  pre_start?: PreStartHook[];
  post_start?: ServiceHook[];
  pre_stop?: ServiceHook[];
  privileged?: boolean;
  profiles?: string[];
  provider?: { type: string; options?: Record<string, string[]> };
  pull_policy?: string;
  read_only?: boolean;
  restart?: string;
  runtime?: string;
  scale?: number;
  secrets?: FileReference[];
  security_opt?: string[];
  shm_size?: number;
  stdin_open?: boolean;
  /** Nanoseconds. */
  stop_grace_period?: number;
  stop_signal?: string;
  storage_opt?: Record<string, string>;
  sysctls?: Record<string, string>;
  /** Targets, each with optional ":options". */
  tmpfs?: string[];
  tty?: boolean;
  ulimits?: Record<string, Ulimit>;
  use_api_socket?: boolean;
  user?: string;
  userns_mode?: string;
  uts?: string;
  volumes?: ServiceVolume[];
  /** "service[:ro|rw]" or "container:name[:ro|rw]". */
  volumes_from?: string[];
  working_dir?: string;
  extensions?: Record<string, unknown>;
}

/** `single`: one number was written for both. */
export interface Ulimit {
  soft: number;
  hard: number;
  single?: boolean;
}

export interface ModelDefinition {
  name?: string;
  model: string;
  context_size?: number;
  runtime_flags?: string[];
}

export interface ServiceHook {
  command: string[];
  user?: string;
  privileged?: boolean;
  working_dir?: string;
  environment?: Record<string, string | null>;
}

/** Run in a container of its own, before the service's first one starts or before each. */
export interface PreStartHook extends Partial<ServiceHook> {
  image?: string;
  per_replica?: boolean;
}

export interface ServiceNetwork {
  aliases?: string[];
  driver_opts?: Record<string, string>;
  gw_priority?: number;
  interface_name?: string;
  ipv4_address?: string;
  ipv6_address?: string;
  link_local_ips?: string[];
  mac_address?: string;
  priority?: number;
}

export interface ServicePort {
  mode: "ingress" | "host";
  target: number;
  /** "8080", "8000-8010" or absent (ephemeral). */
  published?: string;
  protocol: string;
  host_ip?: string;
  name?: string;
  app_protocol?: string;
}

export interface ServiceVolume {
  type: "bind" | "volume" | "tmpfs" | "image" | "npipe" | "cluster";
  source?: string;
  target: string;
  read_only?: boolean;
  consistency?: string;
  bind?: { propagation?: string; create_host_path?: boolean; recursive?: string; selinux?: string };
  volume?: { labels?: Record<string, string>; nocopy?: boolean; subpath?: string };
  tmpfs?: { size?: number; mode?: number };
  image?: { subpath?: string };
}

export interface FileReference {
  source: string;
  target?: string;
  uid?: string;
  gid?: string;
  mode?: number;
}

/** A secret or config. Exactly one of file, environment, content, external. For `environment` the value is read by the CLI into `content` before it is sent. */
export interface FileObject {
  name: string;
  file?: string;
  environment?: string;
  content?: string;
  external?: boolean;
  labels?: Record<string, string>;
  driver?: string;
  driver_opts?: Record<string, string>;
  template_driver?: string;
}

export interface BuildDefinition {
  context: string;
  dockerfile?: string;
  dockerfile_inline?: string;
  entitlements?: string[];
  args?: Record<string, string | null>;
  /** "id" or "id=path". */
  ssh?: string[];
  labels?: Record<string, string>;
  cache_from?: string[];
  cache_to?: string[];
  no_cache?: boolean;
  no_cache_filter?: string[];
  additional_contexts?: Record<string, string>;
  pull?: boolean;
  extra_hosts?: Record<string, string[]>;
  isolation?: string;
  network?: string;
  target?: string;
  secrets?: FileReference[];
  shm_size?: number;
  tags?: string[];
  ulimits?: Record<string, Ulimit>;
  platforms?: string[];
  privileged?: boolean;
  provenance?: string;
  sbom?: string;
}

export interface DeviceReservation {
  capabilities?: string[];
  driver?: string;
  /** -1: all. */
  count?: number;
  device_ids?: string[];
  options?: Record<string, string>;
}

export interface Deploy {
  mode?: string;
  replicas?: number;
  labels?: Record<string, string>;
  update_config?: UpdateConfig;
  rollback_config?: UpdateConfig;
  resources?: {
    limits?: { cpus?: number; memory?: number; pids?: number; devices?: DeviceReservation[] };
    reservations?: {
      cpus?: number;
      memory?: number;
      devices?: DeviceReservation[];
      generic_resources?: { discrete_resource_spec?: { kind?: string; value?: number } }[];
    };
  };
  restart_policy?: { condition?: "none" | "on-failure" | "any"; delay?: number; max_attempts?: number; window?: number };
  placement?: { constraints?: string[]; preferences?: { spread?: string }[]; max_replicas_per_node?: number };
  endpoint_mode?: string;
}

export interface UpdateConfig {
  parallelism?: number;
  delay?: number;
  failure_action?: string;
  monitor?: number;
  max_failure_ratio?: number;
  order?: string;
}

export interface WatchRule {
  action: "sync" | "rebuild" | "restart" | "sync+restart" | "sync+exec";
  path: string;
  target?: string;
  ignore?: string[];
  include?: string[];
  initial_sync?: boolean;
  exec?: ServiceHook;
}

export interface NetworkDefinition {
  /** The network's own name: "<project>_<key>" unless given. */
  name: string;
  driver?: string;
  driver_opts?: Record<string, string>;
  ipam?: {
    driver?: string;
    config?: { subnet?: string; gateway?: string; ip_range?: string; aux_addresses?: Record<string, string> }[];
    options?: Record<string, string>;
  };
  external?: boolean;
  internal?: boolean;
  attachable?: boolean;
  labels?: Record<string, string>;
  enable_ipv4?: boolean;
  enable_ipv6?: boolean;
}

export interface VolumeDefinition {
  name: string;
  driver?: string;
  driver_opts?: Record<string, string>;
  external?: boolean;
  labels?: Record<string, string>;
}
