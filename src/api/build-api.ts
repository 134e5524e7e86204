import type { Resources } from "./docker.ts";
import type { BuildEvent, WireError } from "./project-api.generated.ts";

/**
 * POST /images/build, our own extension for clients on this machine: directories are named, not sent. The answer streams BuildMessages, one
 * JSON object a line, and ends with `result`.
 */
export interface BuildPost {
  /** An absolute directory, a tar file of this machine, or a git or http(s) URL; none for a Dockerfile that needs no context. */
  contextDir?: string;
  contextTarFile?: string;
  remote?: string;
  /** Relative to the context, or absolute; `dockerfileName` is how the caller wrote it, for messages. */
  dockerfile?: string;
  dockerfileName?: string;
  dockerfileInline?: string;
  target?: string;
  /** null: the value of the engine's own environment variable, if any. */
  args?: Record<string, string | null>;
  labels?: Record<string, string>;
  tags?: string[];
  noCache?: boolean;
  noCacheFilter?: string[];
  /** Caches elsewhere, as --cache-from and --cache-to name them; directories are relative to `directory`. */
  cacheFrom?: string[];
  cacheTo?: string[];
  directory?: string;
  pull?: boolean;
  platform?: string;
  network?: string;
  extraHosts?: string[];
  shmSize?: number;
  /** Limits of each RUN's process. */
  resources?: Resources;
  ulimits?: { Name: string; Soft: number; Hard: number }[];
  /** Values in base64. */
  secrets?: { id: string; value: string }[];
  ssh?: { id: string; paths: string[] }[];
  additionalContexts?: Record<string, string>;
  entitlements?: string[];
  /** Only what the checks say: nothing is built. */
  check?: boolean;
}

export type BuildMessage =
  | BuildEvent
  | { type: "result"; ok: true; imageId?: string; logFile: string; isNew?: boolean }
  | { type: "result"; ok: false; error: WireError };
