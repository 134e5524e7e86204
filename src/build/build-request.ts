import type { Readable } from "node:stream";
import type { BaseImage } from "./images.ts";
import type { CacheEntry } from "./remote-cache/cache-entry.ts";
import type { StepResources } from "./step-runner.ts";

/** One build, complete: whatever depended on the caller's directory or environment is already resolved. */
export interface BuildRequest {
  /** Exactly one of these three, or none for a Dockerfile that needs no context. */
  contextDir?: string;
  contextTar?: Readable;
  /** Of an archive, .dockerignore may hide itself and the Dockerfile, nothing else (removeDockerfile of moby's builder). */
  hideIgnoredDockerfile?: boolean;
  /** A client that sends its directories when a step asks for them. */
  client?: ClientFiles;
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
  /** Caches of other engines: where finished steps are taken from, and where those of this build are written to. */
  cacheFrom?: CacheEntry[];
  cacheTo?: CacheEntry[];
  platform?: string;
  /** A base image that is here is right whatever its platform is, as for moby's classic builder. */
  takesAnyPlatform?: boolean;
  /** For RUN: "default", "none", "host" or the name of an engine network. */
  network?: string;
  /** "name=address" or "name:address". */
  extraHosts?: string[];
  shmSize?: number;
  /** What a RUN sees as its host name. */
  hostname?: string;
  /** Keeps the caches of RUN --mount=type=cache apart. */
  cacheNamespace?: string;
  /** The control group that those of RUN's processes are made in. */
  cgroupParent?: string;
  ulimits?: { Name: string; Soft: number; Hard: number }[];
  /** Limits of each RUN's process. */
  resources?: StepResources;
  secrets?: { id: string; value: Buffer }[];
  /** Asked for a secret that `secrets` does not have. */
  findSecret?: (id: string, signal: AbortSignal) => Promise<Buffer | undefined>;
  /** An agent socket, or private key files; the id of a plain `--ssh default` is "default". */
  ssh?: { id: string; paths: string[] }[];
  /** Makes the socket of an agent that `ssh` does not have; it goes when `signal` is aborted. */
  findAgent?: (id: string, o: { uid: number; gid: number; mode: number; signal: AbortSignal }) => Promise<string | undefined>;
  /** Name -> directory, "docker-image://ref", "oci-layout://dir", a git or http(s) URL. */
  additionalContexts?: Record<string, string>;
  /** Additional contexts that are results of other builds. */
  imageContexts?: Record<string, BaseImage>;
  /** Seconds, overriding the build argument of that name. */
  sourceDateEpoch?: number;
  /** Accepted entitlements: "network.host", "security.insecure". */
  entitlements?: string[];
  /** How the project or the caller calls this build, for logs. */
  name?: string;
}

/** Directories of a client, by the names that it gave them. Additional contexts name theirs as "local:NAME". */
export interface ClientFiles {
  /** The build context, unless it is remote. */
  readonly context: string;
  /** Where the Dockerfile is; undefined: in the (remote) context. */
  readonly dockerfile: string | undefined;
  /** Brings a directory here, or of it what `followPaths` names, without what `excludes` (lines of a .dockerignore) leaves out. */
  fetch(
    name: string,
    o: { excludes?: string[]; followPaths?: string[]; signal: AbortSignal; onBytes: (total: number) => void },
  ): Promise<string>;
}
