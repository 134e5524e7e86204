import type { Readable } from "node:stream";

/** One build, complete: whatever depended on the caller's directory or environment is already resolved. */
export interface BuildRequest {
  /** Exactly one of these three, or none for a Dockerfile that needs no context. */
  contextDir?: string;
  contextTar?: Readable;
  /** A git or http(s) URL. */
  remote?: string;
  /** Relative to the context, or absolute. Default "Dockerfile". */
  dockerfile?: string;
  /** How the caller wrote its path, for messages. */
  dockerfileName?: string;
  dockerfileInline?: string;
  target?: string;
  /** null: the value of the engine's own environment variable, if any. */
  args: Record<string, string | null>;
  labels?: Record<string, string>;
  tags?: string[];
  noCache?: boolean;
  noCacheFilter?: string[];
  pull?: boolean;
  platform?: string;
  /** For RUN: "default", "none", "host" or the name of an engine network. */
  network?: string;
  /** "name=address" or "name:address". */
  extraHosts?: string[];
  shmSize?: number;
  ulimits?: { Name: string; Soft: number; Hard: number }[];
  secrets?: { id: string; value: Buffer }[];
  /** An agent socket, or private key files; the id of a plain `--ssh default` is "default". */
  ssh?: { id: string; paths: string[] }[];
  /** Name -> directory, "docker-image://ref", "oci-layout://dir", a git or http(s) URL. */
  additionalContexts?: Record<string, string>;
  /** Seconds, overriding the build argument of that name. */
  sourceDateEpoch?: number;
  /** Accepted entitlements: "network.host", "security.insecure". */
  entitlements?: string[];
  /** How the project or the caller calls this build, for logs. */
  name?: string;
}
