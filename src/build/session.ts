import type { BuildRequest } from "./build-request.ts";
import type { BuildCache } from "./cache/build-cache.ts";
import type { FileDigests } from "./cache/file-digests.ts";
import type { MountLocks } from "./cache/mount-locks.ts";
import type { StepsInFlight } from "./cache/steps-in-flight.ts";
import type { CachedBases } from "./cached-bases.ts";
import type { Contexts } from "./context/contexts.ts";
import type { Dockerfile } from "./dockerfile/parse-dockerfile.ts";
import type { BuildImages, PeekImage, PullImage } from "./images.ts";
import type { Materials } from "./materials.ts";
import type { OpenLayout } from "./open-layout.ts";
import type { Progress } from "./progress.ts";
import type { ImportedCaches } from "./remote-cache/imported-caches.ts";
import type { UsedSteps } from "./remote-cache/used-steps.ts";
import type { SshAgents } from "./ssh-agents.ts";
import type { StageState } from "./stage-state.ts";
import type { StepListener } from "./step-listener.ts";
import type { StepRunner } from "./step-runner.ts";

/** What every step of one build shares. */
export interface Session {
  readonly request: BuildRequest;
  readonly dockerfile: Dockerfile;
  readonly images: BuildImages;
  readonly runner: StepRunner;
  readonly cache: BuildCache;
  readonly imported: ImportedCaches;
  readonly used: UsedSteps;
  readonly digests: FileDigests;
  readonly inFlight: StepsInFlight;
  readonly mountLocks: MountLocks;
  readonly contexts: Contexts;
  readonly materials: Materials;
  readonly sshAgents: SshAgents;
  readonly progress: Progress;
  readonly steps: Pick<StepListener, "began" | "looked"> & {
    done(line: number, state: StageState): void;
    /** Somebody follows the instructions one by one: each has its error when its turn comes. */
    readonly inOrder: boolean;
  };
  readonly pullImage: PullImage | undefined;
  readonly peekImage: PeekImage | undefined;
  readonly bases: CachedBases | undefined;
  /** Base images stay in their registry until a step reads them. */
  readonly lazyBases: boolean;
  readonly openLayout: OpenLayout;
  /** Directory of cache mounts; survives builds. */
  readonly mountCacheDir: string;
  /** Global ARGs and platform arguments. */
  readonly globals: ReadonlyMap<string, string>;
  readonly epochIso: string | undefined;
  readonly signal: AbortSignal;
  /** Bounds RUN processes. */
  readonly limit: <T>(work: () => Promise<T>) => Promise<T>;
}
