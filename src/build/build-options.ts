import type { BuildEvent } from "../api/index.ts";
import type { BaseSource, PeekImage, PullImage } from "./images.ts";
import type { OpenLayout } from "./open-layout.ts";
import type { OpenCache } from "./remote-cache/cache-content.ts";
import type { StepListener } from "./step-listener.ts";

/** What a build reports to whoever asked for it, and how it reaches what is not on this machine. */
export interface BuildOptions {
  readonly signal: AbortSignal;
  onEvent(event: BuildEvent): void;
  /** A promise where whoever reads the events is behind: the steps wait for it with their output. */
  room?(): Promise<void> | undefined;
  readonly pullImage?: PullImage;
  /** Lets a base image wait in its registry until a step reads it: with an imported cache none may. */
  readonly peekImage?: PeekImage;
  /** Instead of both: base images of registries are kept by the build cache, and are no images of the store. */
  readonly baseSource?: BaseSource;
  /** Where layouts are that are not directories of this machine. */
  readonly openLayout?: OpenLayout;
  /** Where the caches of the request are. */
  readonly openCache?: OpenCache;
  /** Told once, before the first step. */
  onDockerfile?(content: string, file: string): void;
  readonly steps?: StepListener;
}
