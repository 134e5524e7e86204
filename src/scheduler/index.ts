/**
 * From a project and what there is to a plan, and from a plan to effects: pure planning with reasons, its execution in dependency order, and one controller per
 * project that keeps it as it is desired. Containers, networks, volumes and images are reached only through the `Backend` that the engine gives, so all of it runs without root.
 */
export { type ActionKind, actionKinds } from "./container-actions.ts";
export { type Logger, ProjectController } from "./controller.ts";
export { definitionHash } from "./definition-hash.ts";
export type { ProjectStore } from "./desired-record.ts";
export { imageName } from "./image-need.ts";
export { isOneOff, label, ofProject, serviceOf } from "./labels.ts";
export { atATime } from "./parallel.ts";
export type { Backend, FilesPort, ImageBuild, RunHook, TransferOptions, WriteFile } from "./ports.ts";
export { prepareImages, pullImage } from "./prepare-images.ts";
export { Progress, type Tell, wireError } from "./progress.ts";
export { type ProjectRecord, selectServices } from "./project-record.ts";
export type { ServiceFile } from "./service-files.ts";
export type { SourceNotes } from "./watch/source-notes.ts";
