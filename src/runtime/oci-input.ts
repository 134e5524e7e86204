import type { Container, ImageConfig } from "../api/index.ts";
import type { Host } from "../system/index.ts";
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
