/**
 * The way to the engine: requests over its socket, streams of JSON lines, connections that are taken over, their frames, and a terminal
 * on such a connection. Errors are BerthErrors with the engine's own message, code, place and hint (EngineError adds the HTTP status).
 */
export { type Answer, EngineClient, type HijackedConnection, type Query, type RequestOptions } from "./engine-client.ts";
export { demultiplex, type OutputChunk } from "./frames.ts";
export { jsonLines } from "./json-lines.ts";
export { runSession, type SessionOptions, write } from "./session.ts";
export { EngineError, wireErrorOf } from "./wire-error.ts";
