/** The process that owns containers, images, networks and volumes: records, events, adoption at its start, and the API on its socket. */
export { type Engine, type EngineOptions, startEngine } from "./engine.ts";
export { version } from "./version.ts";
