import type { Resources } from "../api/index.ts";

/** Runs the processes of RUN instructions. The runtime implements it; a build decides everything that the process sees. */
export interface StepRunner {
  /**
   * Runs one process on an overlay of `lowerDirs` (top first) below `upperDir` and resolves to its exit code when its first process ended;
   * whatever it left in the background is killed. Nothing stays mounted. `signal` kills it and rejects.
   */
  run(step: RunStep): Promise<{ exitCode: number }>;
}

export interface RunStep {
  readonly lowerDirs: string[];
  readonly upperDir: string;
  /** Overlay's work directory: empty, beside `upperDir`. */
  readonly workDir: string;
  readonly args: string[];
  /** Complete: PATH and HOME are in it. */
  readonly env: string[];
  readonly cwd: string;
  /** As in the image config ("", "app", "1000:1000"); names are looked up in the root file system. */
  readonly user: string;
  readonly mounts: StepMount[];
  /** "default", "none", "host" or the name of an engine network. */
  readonly network: string;
  readonly extraHosts?: string[];
  readonly hostname?: string;
  readonly shmSize?: number;
  /** The control group that the step's own is made in. */
  readonly cgroupParent?: string;
  readonly ulimits?: { Name: string; Soft: number; Hard: number }[];
  readonly resources?: StepResources;
  readonly signal: AbortSignal;
  /** Where it answers a promise, the process is not read until that settles. */
  onOutput(stream: 1 | 2, chunk: Buffer): Promise<void> | undefined;
}

/** Limits of a step's process, as the API names them for a container. */
export type StepResources = Pick<Resources, "Memory" | "MemorySwap" | "CpuShares" | "CpuPeriod" | "CpuQuota" | "CpusetCpus" | "CpusetMems">;

/** A bind has an absolute source that exists; targets are absolute. */
export type StepMount =
  | { readonly type: "bind"; readonly source: string; readonly target: string; readonly readOnly: boolean }
  | { readonly type: "tmpfs"; readonly target: string; readonly sizeBytes?: number };
