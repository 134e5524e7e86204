import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { ErrorAnswer } from "../../api/index.ts";
import { BerthError, drained, errorCodes, messageOf } from "../../system/index.ts";

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
  // A URIError: a path that cannot be decoded.
  const status = error instanceof BerthError ? errorCodes[error.code].http : error instanceof URIError ? 400 : 500;
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
