/**
 * Dockerfiles to images: the language, the stage graph, the content-addressed cache and the steps. A step's process runs through a `StepRunner` and layers are kept by
 * `BuildImages`; whoever constructs the `Builder` brings both. Progress is told as `BuildEvent`s of src/api.
 */

export type { BuildOptions } from "./build-options.ts";
export type { BuildRequest, ClientFiles } from "./build-request.ts";
export { Builder, type Solved } from "./builder.ts";
export type { CacheRecord, PruneOptions } from "./cache/build-cache.ts";
export { ruleDescription } from "./checks/rules.ts";
export { buildRequestOf } from "./compose-build.ts";
export { configWithChanges } from "./config-changes.ts";
export { cloneGit, isGitUrl } from "./context/git-source.ts";
export { fetchUrl } from "./context/http-source.ts";
export { type IgnoreMatcher, ignoreMatcher } from "./context/ignore-matcher.ts";
export { nearest } from "./dockerfile/dockerfile-error.ts";
export type { Instruction } from "./dockerfile/instruction.ts";
export { dockerfileLines } from "./dockerfile/lines.ts";
export { type Dockerfile, parseDockerfile } from "./dockerfile/parse-dockerfile.ts";
export { expand } from "./dockerfile/word-expansion.ts";
export { MergedTree } from "./filesystem/merged-tree.ts";
export type { BaseImage, BaseSource, BuildImages, Layer, PeekImage, PullImage } from "./images.ts";
export type { Material } from "./materials.ts";
export type { OpenLayout } from "./open-layout.ts";
export { describePlatform, nativePlatform, parsePlatform, platformText } from "./platform.ts";
export { Progress, ruleUrl, type Vertex } from "./progress.ts";
export type { BlobDescriptor, CacheContent, OpenCache } from "./remote-cache/cache-content.ts";
export { type CacheEntry, checkedEntry, parseCacheEntry } from "./remote-cache/cache-entry.ts";
export { CompressedLayers } from "./remote-cache/compressed-layers.ts";
export { layoutContent } from "./remote-cache/layout-content.ts";
export { dependenciesOf, stageNamed } from "./stage-graph.ts";
export type { PlannedStep, StepListener } from "./step-listener.ts";
export type { RunStep, StepMount, StepRunner } from "./step-runner.ts";
