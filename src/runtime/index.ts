/**
 * One container at a time: the OCI bundle, the low-level runtime (crun or runc) with conmon as monitor, cgroups, logs, exec, input. This room knows no names, no
 * images and no networks; what it keeps is on disk, so that an engine that was killed is followed by one that goes on.
 */
export { AttachInput } from "./attach-input.ts";
export { bindInto } from "./bound-view.ts";
export type { StartInput } from "./bundle.ts";
export { type PathChange, pathChanges, writtenBytes } from "./changes.ts";
export { checkExecUser, type ExecSession, type ExecSpec, execInContainer, mergeEnv } from "./exec.ts";
export type { ExitInfo } from "./exit-files.ts";
export { initLayer } from "./init-layer.ts";
export { readInside, resolveInside } from "./inside.ts";
export { type LogPosition, logEnd } from "./log-batches.ts";
export { type LogEntry, utcTime } from "./log-lines.ts";
export { type LogQuery, readLogs, readOutput } from "./logs.ts";
export { isMounted } from "./mounted.ts";
export type { NamespacePaths, ResolvedMount } from "./oci-input.ts";
export { defaultMaskedPaths, defaultReadonlyPaths } from "./oci-spec.ts";
export { prepareHost } from "./prepare-host.ts";
export { OpenDirectory, RootDirectory } from "./root-directory.ts";
export { Runtime } from "./runtime.ts";
export { neverRead, noCpuStats, noStats } from "./stats.ts";
export { type BuildStep, runStep, sweepSteps } from "./step.ts";
export { type SyncJob, type SyncOutcome, syncFiles } from "./sync-files.ts";
export { updateResources } from "./update.ts";
export { type ContainerUser, resolveUser } from "./users.ts";
export { VolumeSnapshots } from "./volume-snapshots.ts";
export { Volumes } from "./volumes.ts";
export { type WalkedEntry, walkRoot } from "./walk-root.ts";
