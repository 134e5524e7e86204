/**
 * Project files -> Project. `loadProject` reads every file that Docker Compose reads and arrives at the same project: variables interpolated, files merged,
 * services extended, other projects included, short forms written out, paths absolute. Everything that is wrong is thrown at once, each error with its
 * file, line and column; everything that takes no effect is a warning. Nothing here talks to the engine.
 */
export { configHash, networkHash, volumeHash } from "./config-hash.ts";
export type { ProjectSelection } from "./environment/project-files.ts";
export { imageOf } from "./image-name.ts";
export { type LoadedProject, type LoadedTree, type LoadOptions, loadProject, loadTree } from "./load-project.ts";
export { toJson, toYaml, yamlText } from "./print.ts";
export type { SpecWarning } from "./problems.ts";
export { selectServices } from "./profiles.ts";
export { findProjectName, normalizedName } from "./project-name.ts";
export { treeText, variablesIn } from "./raw-model.ts";
