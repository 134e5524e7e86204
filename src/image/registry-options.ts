import type { RegistryAuth } from "../system/index.ts";

export type { RegistryAuth };

/** One step of a transfer. `id` is the short layer id, absent for a line about the whole; `status` is Docker's text. */
export interface TransferEvent {
  readonly id?: string;
  readonly status: string;
  readonly current?: number;
  readonly total?: number;
}

/** How registries are reached; part of the engine's settings. */
export interface RegistrySettings {
  /** Hosts (with port) that may be spoken to by plain http or an unverified certificate. Loopback always may. */
  readonly insecureRegistries?: readonly string[];
  /** Base URLs that are asked first for docker.io. */
  readonly mirrors?: readonly string[];
  /** Directory with `<host>/ca.crt`, as /etc/docker/certs.d. */
  readonly certsDir?: string;
}

export interface PullOptions {
  /** "linux/amd64", "linux/arm/v7". Default: this machine's. */
  readonly platform?: string;
  readonly auth?: RegistryAuth;
  readonly allTags?: boolean;
  readonly settings?: RegistrySettings;
  readonly signal: AbortSignal;
  readonly onProgress?: (event: TransferEvent) => void;
}

export interface PushOptions {
  readonly auth?: RegistryAuth;
  readonly settings?: RegistrySettings;
  readonly signal: AbortSignal;
  readonly onProgress?: (event: TransferEvent) => void;
}
