/**
 * Dockerfiles to images: the language, the stage graph, the content-addressed cache and the steps. A step's process runs through a `StepRunner` and layers are kept by
 * `BuildImages`; whoever constructs the `Builder` brings both. Progress is told as `BuildEvent`s of src/api.
 */
export type { BuildRequest } from "./build-request.ts";
export { Builder, type BuildOptions } from "./builder.ts";
export type { CacheRecord, PruneOptions } from "./cache/build-cache.ts";
export { buildRequestOf } from "./compose-build.ts";
export { type IgnoreMatcher, ignoreMatcher } from "./context/ignore-matcher.ts";
export type { BaseImage, BuildImages, Layer, PullImage } from "./images.ts";
export type { RunStep, StepMount, StepRunner } from "./step-runner.ts";
