/** The wire: types, and the words that both sides use, shared by the engine and its clients. Docker's objects keep Docker's names; the project is the canonical Compose model. */

export type * from "./build-api.ts";
export { type DetachWatch, detachKeyBytes, detachWatch, usualDetachKeys } from "./detach-keys.ts";
export type * from "./docker.ts";
export type * from "./docker-stats.ts";
export { goBoolFault, parseGoBool } from "./go-bool.ts";
export { goDurationFault, goUnitsNs, parseGoDuration } from "./go-duration.ts";
export { humanDuration } from "./human-duration.ts";
export { momentMs } from "./moment.ts";
export type * from "./project.ts";
export type * from "./project-api.generated.ts";
export { refreshMs } from "./pull-policy.ts";
