/** The process that owns containers, images, networks and volumes: records, events, adoption at its start, and the API on its socket. */

export { version } from "./daemon/version.ts";
export { type Engine, type EngineOptions, startEngine } from "./engine.ts";
