import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { ErrorAnswer } from "../api/index.ts";
import { BerthError, drained, errorCodes, messageOf } from "../system/index.ts";

/** One request as a route sees it. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  /** The API's version that the client speaks (1.41): some answers changed their meaning. */
  readonly version: number;
  /** Set when the client asked to take the connection over (Upgrade). */
  readonly upgrade?: { readonly socket: Duplex; readonly head: Buffer };
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

export type Handler = (call: Call) => Promise<void> | void;

export interface Route {
  readonly method: string;
  /** Matched against the path without its version. */
  readonly path: RegExp;
  readonly handler: Handler;
}

/** `path` with `{x}` for one segment and `{x*}` for a name that may hold slashes. */
export function route(method: string, path: string, handler: Handler): Route {
  const source = path.replace(/\{\w+\*\}/g, "(.+)").replace(/\{\w+\}/g, "([^/]+)");
  return { method, path: new RegExp(`^${source}$`), handler };
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) + 1 });
  response.end(`${text}\n`);
}

export function sendEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status);
  response.end();
}

/** Docker's error body and the status of the error's code. After the head was sent, an error is one more line of the stream. */
export function sendError(response: ServerResponse, error: unknown): void {
  const status = error instanceof BerthError ? errorCodes[error.code].http : 500;
  const body: ErrorAnswer = {
    message: messageOf(error),
    ...(error instanceof BerthError
      ? { code: error.code, ...(error.hint ? { hint: error.hint } : {}), ...(error.place ? { place: error.place } : {}) }
      : {}),
  };
  if (response.headersSent) response.end(`${JSON.stringify({ errorDetail: { message: body.message }, error: body.message })}\n`);
  else sendJson(response, status, body);
}

export interface JsonStream {
  send(value: unknown): void;
  /** A promise while the client is behind. */
  room(): Promise<void> | undefined;
  end(): void;
}

/** A stream of JSON objects, one a line, each flushed at once. */
export function jsonStream(response: ServerResponse, end = "\n"): JsonStream {
  response.writeHead(200, { "Content-Type": "application/json" });
  response.flushHeaders();
  return {
    send: (value) => {
      if (!response.destroyed) response.write(`${JSON.stringify(value)}${end}`);
    },
    room: drained(response),
    end: () => response.end(),
  };
}

/** Bytes as they come, no faster than the client reads. A failure after the first byte cuts the connection, so that nobody takes a part for the whole. */
export async function sendStream(call: Call, pieces: AsyncIterable<Buffer>): Promise<void> {
  const { response, signal } = call;
  const room = drained(response);
  try {
    for await (const piece of pieces) {
      if (signal.aborted) return;
      if (!response.headersSent) response.writeHead(200);
      response.write(piece);
      await room();
    }
  } catch (error) {
    if (response.headersSent) response.destroy(error instanceof Error ? error : undefined);
    throw error;
  }
  response.end();
}

const maxBody = 16 * 1024 * 1024;

/** @throws BerthError api/bad-parameter for more than a JSON body may have */
export function checkBodySize(bytes: number): void {
  if (bytes > maxBody) throw new BerthError("api/bad-parameter", "the request's body is larger than 16 MiB");
}

/** The JSON body of a request, {} where there is none. @throws BerthError api/bad-parameter */
export async function jsonBody<T>(request: IncomingMessage): Promise<T> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    checkBodySize(size);
    chunks.push(chunk);
  }
  return parseBody<T>(Buffer.concat(chunks));
}

export function parseBody<T>(bytes: Buffer): T {
  if (bytes.length === 0) return {} as T; // every field of a body is optional on the wire
  try {
    return (JSON.parse(bytes.toString()) ?? {}) as T; // fields are checked where they are used
  } catch (error) {
    const text = messageOf(error);
    if (/after JSON/.test(text)) throw new BerthError("api/bad-parameter", "unexpected content after JSON");
    // A body that was cut off is told in Docker's word.
    const isCut = /end of JSON|position (\d+)/.exec(text);
    const cut = isCut && (isCut[1] === undefined || Number(isCut[1]) >= bytes.toString().trimEnd().length);
    throw new BerthError("api/bad-parameter", `invalid JSON: ${cut ? "unexpected EOF" : text}`);
  }
}

/** Docker's booleans in a query: "1", "true", "True", "t" are true. */
export function flag(query: URLSearchParams, name: string, fallback = false): boolean {
  const value = query.get(name);
  if (value === null) return fallback;
  return ["1", "t", "true", "yes", "on"].includes(value.toLowerCase());
}

/**
 * Filters in both encodings: {"name":["x"]} and {"name":{"x":true}}.
 * @throws BerthError api/bad-parameter for a key that is not known or for broken JSON
 */
export function filters(query: URLSearchParams, known?: readonly string[]): Map<string, string[]> {
  const text = query.get("filters");
  if (!text) return new Map();
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new BerthError("api/bad-parameter", "invalid filter");
  }
  if (typeof parsed !== "object" || Array.isArray(parsed)) throw new BerthError("api/bad-parameter", "invalid filter");
  const result = new Map<string, string[]>();
  for (const [key, value] of Object.entries((parsed ?? {}) as Record<string, unknown>)) {
    if (known && !known.includes(key)) throw new BerthError("api/bad-parameter", `invalid filter '${key}'`);
    result.set(
      key,
      Array.isArray(value)
        ? value.map(String)
        : Object.entries((value ?? {}) as Record<string, unknown>).flatMap(([word, on]) => (on ? [word] : [])),
    );
  }
  return result;
}

/** "k=v" and "k" against labels; all must match. */
export function labelsMatch(wanted: readonly string[] | undefined, labels: Readonly<Record<string, string>>): boolean {
  return (wanted ?? []).every((text) => {
    const at = text.indexOf("=");
    return at < 0 ? labels[text] !== undefined : labels[text.slice(0, at)] === text.slice(at + 1);
  });
}

/** What a prune takes of a thing: every `label`, none of `label!`, older than `until`. @throws BerthError api/bad-parameter for another time */
export function pruneMatches(
  wanted: ReadonlyMap<string, readonly string[]>,
  thing: { readonly labels: Readonly<Record<string, string>>; readonly createdIso: string },
): boolean {
  const [until, ...more] = wanted.get("until") ?? [];
  if (more.length > 0) throw new BerthError("api/bad-parameter", "more than one until filter specified");
  const untilMs = until === undefined ? undefined : timeMs(until);
  return (
    labelsMatch(wanted.get("label"), thing.labels) &&
    !(wanted.get("label!") ?? []).some((text) => labelsMatch([text], thing.labels)) &&
    (untilMs === undefined || Date.parse(thing.createdIso) < untilMs)
  );
}

/** Unix seconds with a fraction, RFC 3339, or a Go duration back from now -> milliseconds since the epoch. */
export function timeMs(text: string | null): number | undefined {
  if (!text || text === "0") return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Math.floor(Number(text) * 1000);
  const duration = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text);
  if (duration) return Date.now() - ((Number(duration[1] ?? 0) * 60 + Number(duration[2] ?? 0)) * 60 + Number(duration[3] ?? 0)) * 1000;
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new BerthError("api/bad-parameter", `failed to parse value as time or duration: "${text}"`);
  return at;
}
