// Made by scripts/generate-spec.mjs from compose.schema.json: change that one.

export type Include =
  | string
  | {
      path?: StringOrList;
      env_file?: StringOrList;
      /**
       * what its paths are relative to
       */
      project_directory?: string;
    };
export type StringOrList = string | string[];
export type Develop = {
  /**
   * rules of `berth watch`
   */
  watch?: {
    /**
     * what is watched
     */
    path: string;
    /**
     * what a change does
     */
    action: "rebuild" | "sync" | "restart" | "sync+restart" | "sync+exec";
    /**
     * where it is copied to
     */
    target?: string;
    ignore?: StringOrList;
    include?: StringOrList;
    exec?: Hook;
    /**
     * copy everything when the watch begins
     */
    initial_sync?: boolean;
    /**
     * This interface was referenced by `undefined`'s JSON-Schema definition
     * via the `patternProperty` "^x-".
     */
    [k: string]: unknown;
  }[];
  /**
   * This interface was referenced by `undefined`'s JSON-Schema definition
   * via the `patternProperty` "^x-".
   */
  [k: string]: unknown;
} | null;
export type Command = null | string | string[];
export type Pairs =
  | {
      /**
       * This interface was referenced by `undefined`'s JSON-Schema definition
       * via the `patternProperty` ".+".
       */
      [k: string]: string | number | boolean | null;
    }
  | string[];
export type Deploy = {
  /**
   * replicated or global
   */
  mode?: string;
  /**
   * vip or dnsrr
   */
  endpoint_mode?: string;
  /**
   * how many containers
   */
  replicas?: number | string;
  labels?: Pairs;
  /**
   * how a Swarm service is updated
   */
  update_config?: {
    parallelism?: number | string;
    delay?: string;
    failure_action?: string;
    monitor?: string;
    max_failure_ratio?: number | string;
    order?: "start-first" | "stop-first";
    /**
     * This interface was referenced by `undefined`'s JSON-Schema definition
     * via the `patternProperty` "^x-".
     */
    [k: string]: unknown;
  };
  /**
   * how a Swarm service is rolled back
   */
  rollback_config?: {
    parallelism?: number | string;
    delay?: string;
    failure_action?: string;
    monitor?: string;
    max_failure_ratio?: number | string;
    order?: "start-first" | "stop-first";
    /**
     * This interface was referenced by `undefined`'s JSON-Schema definition
     * via the `patternProperty` "^x-".
     */
    [k: string]: unknown;
  };
  /**
   * limits and reservations
   */
  resources?: {
    limits?: {
      /**
       * as `cpus`
       */
      cpus?: number | string;
      /**
       * as `mem_limit`
       */
      memory?: string;
      /**
       * as `pids_limit`
       */
      pids?: number | string;
      /**
       * This interface was referenced by `undefined`'s JSON-Schema definition
       * via the `patternProperty` "^x-".
       */
      [k: string]: unknown;
    };
    reservations?: {
      /**
       * CPU share that is kept free
       */
      cpus?: number | string;
      /**
       * as `mem_reservation`
       */
      memory?: string;
      /**
       * resources of one's own naming
       */
      generic_resources?: {
        discrete_resource_spec?: {
          kind?: string;
          value?: number | string;
          /**
           * This interface was referenced by `undefined`'s JSON-Schema definition
           * via the `patternProperty` "^x-".
           */
          [k: string]: unknown;
        };
        /**
         * This interface was referenced by `undefined`'s JSON-Schema definition
         * via the `patternProperty` "^x-".
         */
        [k: string]: unknown;
      }[];
      /**
       * devices asked of a driver
       */
      devices?: {
        capabilities: Strings;
        count?: number | string;
        device_ids?: Strings;
        driver?: string;
        options?: Pairs;
        /**
         * This interface was referenced by `undefined`'s JSON-Schema definition
         * via the `patternProperty` "^x-".
         */
        [k: string]: unknown;
      }[];
      /**
       * This interface was referenced by `undefined`'s JSON-Schema definition
       * via the `patternProperty` "^x-".
       */
      [k: string]: unknown;
    };
    /**
     * This interface was referenced by `undefined`'s JSON-Schema definition
     * via the `patternProperty` "^x-".
     */
    [k: string]: unknown;
  };
  /**
   * when it is restarted, where `restart` says nothing
   */
  restart_policy?: {
    /**
     * none, on-failure or any
     */
    condition?: string;
    /**
     * time before it
     */
    delay?: string;
    /**
     * how often
     */
    max_attempts?: number | string;
    /**
     * how long it must run to count as started
     */
    window?: string;
    /**
     * This interface was referenced by `undefined`'s JSON-Schema definition
     * via the `patternProperty` "^x-".
     */
    [k: string]: unknown;
  };
  /**
   * on which nodes of a Swarm
   */
  placement?: {
    constraints?: string[];
    preferences?: {
      spread?: string;
      /**
       * This interface was referenced by `undefined`'s JSON-Schema definition
       * via the `patternProperty` "^x-".
       */
      [k: string]: unknown;
    }[];
    max_replicas_per_node?: number | string;
    /**
     * This interface was referenced by `undefined`'s JSON-Schema definition
     * via the `patternProperty` "^x-".
     */
    [k: string]: unknown;
  };
  /**
   * This interface was referenced by `undefined`'s JSON-Schema definition
   * via the `patternProperty` "^x-".
   */
  [k: string]: unknown;
} | null;
export type Strings = string[];
export type Build =
  | string
  | {
      /**
       * the directory, archive or repository that is built
       */
      context?: string;
      /**
       * the Dockerfile, from the context
       */
      dockerfile?: string;
      /**
       * the Dockerfile itself
       */
      dockerfile_inline?: string;
      /**
       * privileges that the build may ask for
       */
      entitlements?: string[];
      args?: Pairs;
      ssh?: Pairs;
      labels?: Pairs;
      /**
       * where cached steps are taken from: images, registries, directories
       */
      cache_from?: string[];
      /**
       * where cached steps are written to: registries, directories, the image itself
       */
      cache_to?: string[];
      /**
       * build every step anew
       */
      no_cache?: boolean | string;
      no_cache_filter?: StringOrList;
      additional_contexts?: Pairs;
      /**
       * the network of RUN steps
       */
      network?: string;
      /**
       * provenance attestation
       */
      provenance?: string | boolean;
      /**
       * bill of materials
       */
      sbom?: string | boolean;
      /**
       * look for newer base images
       */
      pull?: boolean | string;
      /**
       * the stage that is wanted
       */
      target?: string;
      /**
       * size of /dev/shm in RUN steps
       */
      shm_size?: number | string;
      extra_hosts?: Hosts;
      /**
       * isolation technology of Windows
       */
      isolation?: string;
      /**
       * RUN steps with all privileges
       */
      privileged?: boolean | string;
      secrets?: FileReferences;
      /**
       * further names of the image
       */
      tags?: string[];
      ulimits?: Ulimits;
      /**
       * platforms to build for
       */
      platforms?: string[];
      /**
       * This interface was referenced by `undefined`'s JSON-Schema definition
       * via the `patternProperty` "^x-".
       */
      [k: string]: unknown;
    };
export type Hosts =
  | {
      /**
       * This interface was referenced by `undefined`'s JSON-Schema definition
       * via the `patternProperty` ".+".
       */
      [k: string]: string | string[];
    }
  | string[];
export type FileReferences = (
  | string
  | {
      source?: string;
      target?: string;
      uid?: string;
      gid?: string;
      mode?: number | string;
      /**
       * This interface was referenced by `undefined`'s JSON-Schema definition
       * via the `patternProperty` "^x-".
       */
      [k: string]: unknown;
    }
)[];
export type BlkioLimits = {
  path?: string;
  rate?: number | string;
}[];
export type BlkioWeights = {
  path?: string;
  weight?: number | string;
}[];
/**
 * This interface was referenced by `undefined`'s JSON-Schema definition
 * via the `patternProperty` "^[a-zA-Z0-9._-]+$".
 */
export type Network = {
  /**
   * the network's own name
   */
  name?: string;
  /**
   * bridge, host, none, macvlan, ipvlan
   */
  driver?: string;
  /**
   * options of the driver
   */
  driver_opts?: {
    [k: string]: string | number;
  };
  /**
   * addresses
   */
  ipam?: {
    /**
     * default
     */
    driver?: string;
    /**
     * pools of addresses
     */
    config?: {
      subnet?: string;
      ip_range?: string;
      gateway?: string;
      aux_addresses?: {
        [k: string]: string;
      };
      /**
       * This interface was referenced by `undefined`'s JSON-Schema definition
       * via the `patternProperty` "^x-".
       */
      [k: string]: unknown;
    }[];
    /**
     * options of the address driver
     */
    options?: {
      [k: string]: string;
    };
    /**
     * This interface was referenced by `undefined`'s JSON-Schema definition
     * via the `patternProperty` "^x-".
     */
    [k: string]: unknown;
  };
  external?: External;
  /**
   * no way out
   */
  internal?: boolean | string;
  /**
   * IPv4 addresses
   */
  enable_ipv4?: boolean | string;
  /**
   * IPv6 addresses
   */
  enable_ipv6?: boolean | string;
  /**
   * containers outside the project may join
   */
  attachable?: boolean | string;
  labels?: Pairs;
  /**
   * This interface was referenced by `undefined`'s JSON-Schema definition
   * via the `patternProperty` "^x-".
   */
  [k: string]: unknown;
} | null;
export type External =
  | boolean
  | string
  | {
      name?: string;
      /**
       * This interface was referenced by `undefined`'s JSON-Schema definition
       * via the `patternProperty` "^x-".
       */
      [k: string]: unknown;
    };
/**
 * This interface was referenced by `undefined`'s JSON-Schema definition
 * via the `patternProperty` "^[a-zA-Z0-9._-]+$".
 */
export type Volume = {
  /**
   * the volume's own name
   */
  name?: string;
  /**
   * local
   */
  driver?: string;
  /**
   * type, device, o: what is mounted
   */
  driver_opts?: {
    [k: string]: string | number;
  };
  external?: External;
  labels?: Pairs;
  /**
   * This interface was referenced by `undefined`'s JSON-Schema definition
   * via the `patternProperty` "^x-".
   */
  [k: string]: unknown;
} | null;

/**
 * A Compose file, as Berth reads it. `x-berth` says of each attribute whether it is applied, reported (a warning names it) or refused.
 */
export interface ComposeFile {
  /**
   * the version of the old file formats
   */
  version?: string;
  /**
   * the project's name
   */
  name?: string;
  /**
   * other projects' files that are part of this one
   */
  include?: Include[];
  /**
   * what runs
   */
  services?: {
    [k: string]: Service;
  };
  /**
   * AI models
   */
  models?: {
    [k: string]: Model;
  };
  /**
   * networks
   */
  networks?: {
    [k: string]: Network;
  };
  /**
   * volumes
   */
  volumes?: {
    [k: string]: Volume;
  };
  /**
   * secrets
   */
  secrets?: {
    [k: string]: Secret;
  };
  /**
   * configs
   */
  configs?: {
    [k: string]: Config;
  };
  /**
   * This interface was referenced by `ComposeFile`'s JSON-Schema definition
   * via the `patternProperty` "^x-".
   */
  [k: string]: unknown;
}
/**
 * This interface was referenced by `undefined`'s JSON-Schema definition
 * via the `patternProperty` "^[a-zA-Z0-9._-]+$".
 */
export interface Service {
  develop?: Develop;
  deploy?: Deploy;
  annotations?: Pairs;
  /**
   * whether `up` shows its output
   */
  attach?: boolean | string;
  build?: Build;
  /**
   * limits of disk access
   */
  blkio_config?: {
    device_read_bps?: BlkioLimits;
    device_read_iops?: BlkioLimits;
    device_write_bps?: BlkioLimits;
    device_write_iops?: BlkioLimits;
    weight?: number | string;
    weight_device?: BlkioWeights;
  };
  /**
   * capabilities beside the default ones
   */
  cap_add?: string[];
  /**
   * capabilities taken away
   */
  cap_drop?: string[];
  /**
   * cgroup namespace
   */
  cgroup?: "host" | "private";
  /**
   * the cgroup it is put under
   */
  cgroup_parent?: string;
  command?: Command;
  configs?: FileReferences;
  /**
   * the container's name
   */
  container_name?: string;
  /**
   * CPUs of a Windows container
   */
  cpu_count?: string | number;
  /**
   * CPU share of a Windows container
   */
  cpu_percent?: string | number;
  /**
   * relative CPU weight
   */
  cpu_shares?: number | string;
  /**
   * CPU time per period, in microseconds
   */
  cpu_quota?: number | string;
  /**
   * the period, in microseconds
   */
  cpu_period?: number | string;
  /**
   * period of real-time scheduling, in microseconds
   */
  cpu_rt_period?: number | string;
  /**
   * real-time CPU time per period, in microseconds
   */
  cpu_rt_runtime?: number | string;
  /**
   * CPUs that may be used
   */
  cpus?: number | string;
  /**
   * which CPUs
   */
  cpuset?: string;
  /**
   * credentials of a Windows container
   */
  credential_spec?: {
    config?: string;
    file?: string;
    registry?: string;
    /**
     * This interface was referenced by `undefined`'s JSON-Schema definition
     * via the `patternProperty` "^x-".
     */
    [k: string]: unknown;
  };
  /**
   * services that come first
   */
  depends_on?:
    | string[]
    | {
        /**
         * This interface was referenced by `undefined`'s JSON-Schema definition
         * via the `patternProperty` "^[a-zA-Z0-9._-]+$".
         */
        [k: string]: {
          /**
           * restarted with it
           */
          restart?: boolean | string;
          /**
           * whether it may be missing
           */
          required?: boolean;
          /**
           * when it is ready
           */
          condition: "service_started" | "service_healthy" | "service_completed_successfully";
          /**
           * This interface was referenced by `undefined`'s JSON-Schema definition
           * via the `patternProperty` "^x-".
           */
          [k: string]: unknown;
        };
      };
  device_cgroup_rules?: Strings;
  /**
   * devices of the host
   */
  devices?: (
    | string
    | {
        source: string;
        target?: string;
        permissions?: string;
        /**
         * This interface was referenced by `undefined`'s JSON-Schema definition
         * via the `patternProperty` "^x-".
         */
        [k: string]: unknown;
      }
  )[];
  dns?: StringOrList;
  /**
   * resolver options
   */
  dns_opt?: string[];
  dns_search?: StringOrList;
  /**
   * domain name
   */
  domainname?: string;
  entrypoint?: Command;
  /**
   * files of variables
   */
  env_file?:
    | string
    | (
        | string
        | {
            /**
             * the file
             */
            path: string;
            /**
             * raw: without quotes and variables
             */
            format?: string;
            /**
             * whether it may be missing
             */
            required?: boolean | string;
          }
      )[];
  /**
   * files of labels
   */
  label_file?: string | string[];
  environment?: Pairs;
  /**
   * ports that the service listens on
   */
  expose?: (string | number)[];
  /**
   * another service that it starts from
   */
  extends?:
    | string
    | {
        service: string;
        file?: string;
      };
  /**
   * a program outside that provides it
   */
  provider?: {
    type: string;
    options?: {
      [k: string]: string | number | boolean | (string | number | boolean)[];
    };
    /**
     * This interface was referenced by `undefined`'s JSON-Schema definition
     * via the `patternProperty` "^x-".
     */
    [k: string]: unknown;
  };
  /**
   * containers outside the project, under another name
   */
  external_links?: string[];
  extra_hosts?: Hosts;
  /**
   * GPUs
   */
  gpus?:
    | string
    | {
        capabilities?: Strings;
        count?: number | string;
        device_ids?: Strings;
        driver?: string;
        options?: Pairs;
        /**
         * This interface was referenced by `undefined`'s JSON-Schema definition
         * via the `patternProperty` "^x-".
         */
        [k: string]: unknown;
      }[];
  /**
   * further groups of the user
   */
  group_add?: (string | number)[];
  healthcheck?: Healthcheck;
  /**
   * host name
   */
  hostname?: string;
  /**
   * the image
   */
  image?: string;
  /**
   * a small init as process 1
   */
  init?: boolean | string;
  /**
   * IPC namespace
   */
  ipc?: string;
  /**
   * isolation technology of Windows
   */
  isolation?: string;
  labels?: Pairs;
  /**
   * other services under another name
   */
  links?: string[];
  /**
   * where its output goes
   */
  logging?: {
    /**
     * json-file, local or none
     */
    driver?: string;
    /**
     * rotation
     */
    options?: {
      [k: string]: string | number | null;
    };
    /**
     * This interface was referenced by `undefined`'s JSON-Schema definition
     * via the `patternProperty` "^x-".
     */
    [k: string]: unknown;
  };
  /**
   * hardware address on its first network
   */
  mac_address?: string;
  /**
   * most memory
   */
  mem_limit?: number | string;
  /**
   * memory that it is left with under pressure
   */
  mem_reservation?: number | string;
  /**
   * how willingly it is swapped, 0 to 100
   */
  mem_swappiness?: number | string;
  /**
   * most memory and swap together; -1 for no limit
   */
  memswap_limit?: number | string;
  /**
   * host, none, bridge, service:NAME, container:NAME
   */
  network_mode?: string;
  /**
   * AI models
   */
  models?:
    | string[]
    | {
        /**
         * This interface was referenced by `undefined`'s JSON-Schema definition
         * via the `patternProperty` "^[a-zA-Z0-9._-]+$".
         */
        [k: string]: {
          endpoint_var?: string;
          model_var?: string;
          /**
           * This interface was referenced by `undefined`'s JSON-Schema definition
           * via the `patternProperty` "^x-".
           */
          [k: string]: unknown;
        } | null;
      };
  /**
   * networks it is on
   */
  networks?:
    | string[]
    | {
        /**
         * This interface was referenced by `undefined`'s JSON-Schema definition
         * via the `patternProperty` "^[a-zA-Z0-9._-]+$".
         */
        [k: string]: {
          aliases?: Strings;
          /**
           * name of the interface
           */
          interface_name?: string;
          /**
           * fixed address
           */
          ipv4_address?: string;
          /**
           * fixed address
           */
          ipv6_address?: string;
          link_local_ips?: Strings;
          /**
           * hardware address
           */
          mac_address?: string;
          /**
           * options of the driver
           */
          driver_opts?: {
            [k: string]: string | number;
          };
          /**
           * the order of attachment
           */
          priority?: number;
          /**
           * which network has the default route
           */
          gw_priority?: number;
          /**
           * This interface was referenced by `undefined`'s JSON-Schema definition
           * via the `patternProperty` "^x-".
           */
          [k: string]: unknown;
        } | null;
      };
  /**
   * is not killed when memory runs out
   */
  oom_kill_disable?: boolean | string;
  /**
   * how readily it is killed when memory runs out
   */
  oom_score_adj?: string | number;
  /**
   * PID namespace
   */
  pid?: string | null;
  /**
   * most processes; -1 for no limit
   */
  pids_limit?: number | string;
  /**
   * platform of its image
   */
  platform?: string;
  /**
   * published ports
   */
  ports?: (
    | number
    | string
    | {
        name?: string;
        mode?: string;
        host_ip?: string;
        target?: number | string;
        published?: string | number;
        protocol?: string;
        app_protocol?: string;
        /**
         * This interface was referenced by `undefined`'s JSON-Schema definition
         * via the `patternProperty` "^x-".
         */
        [k: string]: unknown;
      }
  )[];
  /**
   * commands run in containers of their own before its start
   */
  pre_start?: PreStartHook[];
  /**
   * commands run in it after its start
   */
  post_start?: Hook[];
  /**
   * commands run in it before its stop
   */
  pre_stop?: Hook[];
  /**
   * all capabilities and devices
   */
  privileged?: boolean | string;
  profiles?: Strings;
  /**
   * when the image is pulled
   */
  pull_policy?: string;
  /**
   * age after which an image is pulled again
   */
  pull_refresh_after?: string;
  /**
   * the root file system cannot be written
   */
  read_only?: boolean | string;
  /**
   * no, always, on-failure[:n], unless-stopped
   */
  restart?: string;
  /**
   * the OCI runtime
   */
  runtime?: string;
  /**
   * how many containers
   */
  scale?: number | string;
  /**
   * security options
   */
  security_opt?: string[];
  /**
   * size of /dev/shm
   */
  shm_size?: number | string;
  secrets?: FileReferences;
  sysctls?: Pairs;
  /**
   * standard input stays open
   */
  stdin_open?: boolean | string;
  /**
   * time between the stop signal and SIGKILL
   */
  stop_grace_period?: string;
  /**
   * the signal that asks it to stop
   */
  stop_signal?: string;
  /**
   * options of the storage driver
   */
  storage_opt?: {};
  tmpfs?: StringOrList;
  /**
   * a terminal
   */
  tty?: boolean | string;
  ulimits?: Ulimits;
  /**
   * the engine's socket in the container
   */
  use_api_socket?: boolean;
  /**
   * the user
   */
  user?: string;
  /**
   * UTS namespace
   */
  uts?: string;
  /**
   * user namespace
   */
  userns_mode?: string;
  /**
   * mounts
   */
  volumes?: (
    | string
    | {
        /**
         * what is mounted
         */
        type: "bind" | "volume" | "tmpfs" | "cluster" | "npipe" | "image";
        /**
         * the path, volume or image
         */
        source?: string;
        /**
         * where, in the container
         */
        target?: string;
        /**
         * without writing
         */
        read_only?: boolean | string;
        /**
         * of Docker Desktop's shared folders
         */
        consistency?: string;
        /**
         * options of a bind mount
         */
        bind?: {
          /**
           * how mounts under it are passed on
           */
          propagation?: string;
          /**
           * a missing directory is made
           */
          create_host_path?: boolean | string;
          /**
           * what becomes of mounts under it
           */
          recursive?: "enabled" | "disabled" | "writable" | "readonly";
          /**
           * relabelling
           */
          selinux?: "z" | "Z";
          /**
           * This interface was referenced by `undefined`'s JSON-Schema definition
           * via the `patternProperty` "^x-".
           */
          [k: string]: unknown;
        };
        /**
         * options of a volume
         */
        volume?: {
          labels?: Pairs;
          nocopy?: boolean | string;
          subpath?: string;
          /**
           * This interface was referenced by `undefined`'s JSON-Schema definition
           * via the `patternProperty` "^x-".
           */
          [k: string]: unknown;
        };
        /**
         * options of a tmpfs
         */
        tmpfs?: {
          size?: number | string;
          mode?: number | string;
          /**
           * This interface was referenced by `undefined`'s JSON-Schema definition
           * via the `patternProperty` "^x-".
           */
          [k: string]: unknown;
        };
        /**
         * options of an image mount
         */
        image?: {
          subpath?: string;
          /**
           * This interface was referenced by `undefined`'s JSON-Schema definition
           * via the `patternProperty` "^x-".
           */
          [k: string]: unknown;
        };
        /**
         * This interface was referenced by `undefined`'s JSON-Schema definition
         * via the `patternProperty` "^x-".
         */
        [k: string]: unknown;
      }
  )[];
  /**
   * all mounts of another container
   */
  volumes_from?: string[];
  /**
   * the directory that it starts in
   */
  working_dir?: string;
  /**
   * This interface was referenced by `Service`'s JSON-Schema definition
   * via the `patternProperty` "^x-".
   */
  [k: string]: unknown;
}
export interface Hook {
  command: Command;
  /**
   * as whom
   */
  user?: string;
  /**
   * with all privileges
   */
  privileged?: boolean | string;
  /**
   * where
   */
  working_dir?: string;
  environment?: Pairs;
  /**
   * This interface was referenced by `Hook`'s JSON-Schema definition
   * via the `patternProperty` "^x-".
   */
  [k: string]: unknown;
}
export interface Ulimits {
  /**
   * This interface was referenced by `Ulimits`'s JSON-Schema definition
   * via the `patternProperty` "^[a-z]+$".
   */
  [k: string]:
    | number
    | string
    | {
        hard: number | string;
        soft: number | string;
        /**
         * This interface was referenced by `undefined`'s JSON-Schema definition
         * via the `patternProperty` "^x-".
         */
        [k: string]: unknown;
      };
}
export interface Healthcheck {
  /**
   * no check, not even the image's
   */
  disable?: boolean | string;
  /**
   * time between checks
   */
  interval?: string;
  /**
   * failures in a row that make it unhealthy
   */
  retries?: number | string;
  /**
   * the command; NONE for no check
   */
  test?: string | string[];
  /**
   * how long one check may take
   */
  timeout?: string;
  /**
   * failures do not count in this time
   */
  start_period?: string;
  /**
   * time between checks in the start period
   */
  start_interval?: string;
  /**
   * This interface was referenced by `Healthcheck`'s JSON-Schema definition
   * via the `patternProperty` "^x-".
   */
  [k: string]: unknown;
}
export interface PreStartHook {
  command?: Command;
  image?: string;
  user?: string;
  privileged?: boolean | string;
  working_dir?: string;
  environment?: Pairs;
  per_replica?: boolean | string;
  /**
   * This interface was referenced by `PreStartHook`'s JSON-Schema definition
   * via the `patternProperty` "^x-".
   */
  [k: string]: unknown;
}
/**
 * This interface was referenced by `undefined`'s JSON-Schema definition
 * via the `patternProperty` "^[a-zA-Z0-9._-]+$".
 */
export interface Model {
  name?: string;
  model: string;
  context_size?: number;
  runtime_flags?: string[];
  /**
   * This interface was referenced by `Model`'s JSON-Schema definition
   * via the `patternProperty` "^x-".
   */
  [k: string]: unknown;
}
/**
 * This interface was referenced by `undefined`'s JSON-Schema definition
 * via the `patternProperty` "^[a-zA-Z0-9._-]+$".
 */
export interface Secret {
  /**
   * its name outside
   */
  name?: string;
  /**
   * the variable that has its content
   */
  environment?: string;
  /**
   * the file that has its content
   */
  file?: string;
  external?: External;
  labels?: Pairs;
  /**
   * driver of a Swarm secret
   */
  driver?: string;
  /**
   * options of that driver
   */
  driver_opts?: {
    [k: string]: string | number;
  };
  /**
   * driver that fills a template
   */
  template_driver?: string;
  /**
   * This interface was referenced by `Secret`'s JSON-Schema definition
   * via the `patternProperty` "^x-".
   */
  [k: string]: unknown;
}
/**
 * This interface was referenced by `undefined`'s JSON-Schema definition
 * via the `patternProperty` "^[a-zA-Z0-9._-]+$".
 */
export interface Config {
  /**
   * its name outside
   */
  name?: string;
  /**
   * its content
   */
  content?: string;
  /**
   * the variable that has its content
   */
  environment?: string;
  /**
   * the file that has its content
   */
  file?: string;
  external?: External;
  labels?: Pairs;
  /**
   * driver that fills a template
   */
  template_driver?: string;
  /**
   * This interface was referenced by `Config`'s JSON-Schema definition
   * via the `patternProperty` "^x-".
   */
  [k: string]: unknown;
}
