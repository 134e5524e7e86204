import {
  Agent,
  type ClientRequest,
  type RequestOptions as HttpRequestOptions,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { BerthError } from "../../system/error.ts";
import { jsonLines } from "./json-lines.ts";
import { wireError } from "./wire-error.ts";

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface RequestOptions {
  readonly query?: Query | undefined;
  /** An object goes as JSON, a stream as it is (a tar). */
  readonly body?: object | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

/** A connection that was taken over: raw bytes both ways. `multiplexed`: the output comes in frames (see demultiplex). */
export interface HijackedConnection {
  readonly stream: Duplex;
  readonly multiplexed: boolean;
}

/**
 * A client of the engine's socket. Every answer of 400 and above becomes an EngineError with the engine's own message and code; a socket
 * that nobody listens on becomes api/unavailable. Connections are kept and used again.
 */
export class EngineClient {
  readonly socketPath: string;
  readonly #agent = new Agent({ keepAlive: true });
  #opened: Socket | undefined;

  /** `opened`: a connection that is there already, for the first request. */
  constructor(socketPath: string, opened?: Socket) {
    this.socketPath = socketPath;
    this.#opened = opened;
    this.#agent.createConnection = this.#connect;
  }

  async request(method: string, path: string, o: RequestOptions = {}): Promise<Answer> {
    const request = this.#open(method, path, o, {});
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.once("response", resolve);
      request.once("error", reject);
    });
    answered.catch(() => {}); // The body's sending may fail first; the error is taken below.
    try {
      // What refuses a body may answer and read no more of it: then there is no end of the sending to wait for.
      const sent = sendBody(request, o.body);
      sent.catch(() => {});
      await Promise.race([sent, answered]);
    } catch (error) {
      // The engine may answer (and close) before it has read everything: its answer says why.
      if (!(await settlesSoon(answered))) throw this.#explain(error);
    }
    const response = await answered.catch((error: unknown) => {
      throw this.#explain(error);
    });
    const status = response.statusCode ?? 0;
    if (status >= 400) {
      const said = await text(response);
      if (!request.writableFinished) request.destroy();
      throw wireError(status, said);
    }
    return { status, headers: response.headers, body: response };
  }

  /** The answer as JSON; undefined where it has no body. */
  async json<T>(method: string, path: string, o: RequestOptions = {}): Promise<T> {
    const body = await text((await this.request(method, path, o)).body);
    return (body.trim() === "" ? undefined : JSON.parse(body)) as T; // the caller names what the engine answers there
  }

  /** A stream of JSON objects, one a line, as they come. Nothing is asked before the first one is awaited. */
  async *lines<T>(method: string, path: string, o: RequestOptions = {}): AsyncGenerator<T, void, undefined> {
    const { body } = await this.request(method, path, o);
    yield* jsonLines<T>(body);
  }

  /** The answer's body as it comes. */
  async stream(method: string, path: string, o: RequestOptions = {}): Promise<Readable> {
    return (await this.request(method, path, o)).body;
  }

  /** POST with `Upgrade: tcp`: attach and exec. The output may already be flowing: read it at once. */
  async hijack(path: string, o: RequestOptions = {}): Promise<HijackedConnection> {
    const request = this.#open("POST", path, o, { Connection: "Upgrade", Upgrade: "tcp" });
    const taken = new Promise<HijackedConnection>((resolve, reject) => {
      request.once("upgrade", (response: IncomingMessage, socket: Socket, head: Buffer) => {
        if (head.length > 0) socket.unshift(head);
        resolve({ stream: socket, multiplexed: response.headers["content-type"]?.includes("multiplexed") ?? false });
      });
      request.once("response", (response: IncomingMessage) => {
        text(response).then((body) => reject(wireError(response.statusCode ?? 0, body)), reject);
      });
      request.once("error", (error) => reject(this.#explain(error)));
    });
    await sendBody(request, o.body);
    return taken;
  }

  close(): void {
    this.#agent.destroy();
    this.#opened?.destroy();
  }

  readonly #connect = (): Socket => {
    const opened = this.#opened;
    this.#opened = undefined;
    return opened && !opened.destroyed && !opened.readableEnded ? opened : connect(this.socketPath);
  };

  #open(method: string, path: string, o: RequestOptions, extra: Record<string, string>): ClientRequest {
    const options: HttpRequestOptions & { servername: string } = {
      socketPath: this.socketPath,
      // Node would look whether the host is an address, with expressions that take 10 ms to compile.
      servername: "",
      // A hijacked connection belongs to its taker: it never goes back to the agent.
      ...(extra["Upgrade"] ? { createConnection: this.#connect } : { agent: this.#agent }),
      method,
      path: path + queryText(o.query),
      headers: { Host: "berth", ...extra, ...bodyHeaders(method, o.body), ...o.headers },
      ...(o.signal ? { signal: o.signal } : {}),
    };
    return httpRequest(options);
  }

  #explain(error: unknown): unknown {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ECONNREFUSED")
      return new BerthError("api/unavailable", `no engine answers at unix://${this.socketPath}`, { cause: error });
    if (code === "ECONNRESET" || code === "EPIPE")
      return new BerthError("api/unavailable", `the engine at unix://${this.socketPath} closed the connection`, {
        hint: "It may have been stopped; its log says why.",
        cause: error,
      });
    return error;
  }
}

/** `?a=1&b=x&b=y`; undefined is left out, true is 1, false is 0. */
export function queryText(query: Query | undefined): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const values = Array.isArray(value) ? (value as readonly string[]) : [value];
    return values.map(
      (one) => `${encodeURIComponent(name)}=${encodeURIComponent(typeof one === "boolean" ? (one ? "1" : "0") : String(one))}`,
    );
  });
  return pairs.length ? `?${pairs.join("&")}` : "";
}

function bodyHeaders(method: string, body: object | undefined): Record<string, string> {
  if (body === undefined) return method === "GET" || method === "HEAD" ? {} : { "Content-Length": "0" };
  if (body instanceof Readable) return { "Content-Type": "application/x-tar" };
  return { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(JSON.stringify(body))) };
}

async function sendBody(request: ClientRequest, body: object | undefined): Promise<void> {
  if (body instanceof Readable) await pipeline(body, request);
  else request.end(body === undefined ? undefined : JSON.stringify(body));
}

async function settlesSoon(answered: Promise<unknown>): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 1000).unref());
  return Promise.race([
    answered.then(
      () => true,
      () => false,
    ),
    late,
  ]);
}

async function text(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
