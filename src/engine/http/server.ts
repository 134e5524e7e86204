import { chmodSync, existsSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { BerthError, messageOf } from "../../system/index.ts";
import { apiVersion, minimumApiVersion, version } from "../daemon/version.ts";
import type { Logger } from "../ports.ts";
import { type Route, sendError } from "./http.ts";
import { checkBodySize, parseBody } from "./json-body.ts";
import type { TlsAddress } from "./tls-address.ts";

/** Clients repeat whole create bodies in the query, and wait for hours. */
const limits = { maxHeaderSize: 4 * 1024 * 1024, requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 600_000 };

/**
 * The API on a unix socket. Requests that take the connection over (attach, exec) come in both forms, with and without an Upgrade header; what a client sends of a
 * body before the upgrade is read by its length first, because Node passes it on unparsed.
 */
export class ApiServer {
  readonly #servers: Server[];
  readonly #routes: readonly Route[];
  readonly #log: Logger;
  readonly #sockets = new Set<Socket>();
  /** When the last request came or a connection closed: for the end of an idle engine. */
  lastUseMs = Date.now();

  constructor(routes: readonly Route[], log: Logger) {
    this.#routes = routes;
    this.#log = log;
    const server = createServer(limits);
    // A half-closed connection still gets its answer.
    (server as unknown as { allowHalfOpen: boolean }).allowHalfOpen = true; // net.Server's option, which http.createServer does not take
    this.#servers = [this.#answering(server)];
  }

  #answering<T extends Server>(server: T): T {
    server.timeout = 0;
    server.on("request", (request, response) => void this.#handle(request, response));
    server.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket, head));
    // Of a connection that was taken over Node looks at no error any more, and one that nobody looks at ends the process. The close follows it.
    server.on("secureConnection", (socket: Socket) => socket.on("error", () => {}));
    server.on("connection", (socket: Socket) => {
      socket.on("error", () => {});
      this.#sockets.add(socket);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        this.lastUseMs = Date.now();
      });
    });
    return server;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Listens; a socket file that nobody answers on is removed. @throws BerthError system/locked where somebody does */
  async listen(path: string): Promise<void> {
    if (existsSync(path)) {
      if (await answers(path)) throw new BerthError("system/locked", `another engine answers on ${path}`);
      rmSync(path, { force: true });
    }
    await new Promise<void>((resolve, reject) => {
      const [server] = this.#servers;
      server?.once("error", reject);
      server?.listen(path, resolve);
    });
    chmodSync(path, 0o660);
  }

  /** Listens on TCP as well: TLS, and only to clients that show a certificate of the authority. @throws BerthError system/syscall where the address is taken */
  async listenTls({ host, port, ca, cert, key }: TlsAddress): Promise<void> {
    const options = { ...limits, ca, cert, key, requestCert: true, rejectUnauthorized: true, allowHalfOpen: true } as const;
    // A machine that went away says nothing: its connections are asked after, and their requests end.
    const asked = { keepAlive: true, keepAliveInitialDelay: 30_000, minVersion: "TLSv1.2" } as const;
    const server = this.#answering(createTlsServer({ ...options, ...asked }) as unknown as Server); // the same events
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      const refuse = (error: Error) =>
        reject(
          new BerthError("system/syscall", `cannot listen on tcp://${host}:${port}: ${messageOf(error)}`, {
            hint: "The address has to be one of this machine's, and the port free.",
            cause: error,
          }),
        );
      server.once("error", refuse);
      server.listen(port, host, resolve);
    });
  }

  async close(): Promise<void> {
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const server of this.#servers) server.closeIdleConnections();
    setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, 200);
    await Promise.all(closed);
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const response = new ServerResponse(request);
    response.assignSocket(socket as Socket); // a unix socket is a net.Socket
    const length = Number(request.headers["content-length"] ?? 0);
    try {
      const { body, rest } = await readExactly(socket, head, length);
      const withBody = Object.assign(request, {
        [Symbol.asyncIterator]: async function* () {
          if (body.length) yield body;
        },
      });
      parseBody(body);
      await this.#handle(withBody, response, { socket, head: rest });
    } catch (error) {
      sendError(response, error);
      socket.end();
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse, upgrade?: { socket: Duplex; head: Buffer }): Promise<void> {
    this.lastUseMs = Date.now();
    const started = performance.now();
    const abort = new AbortController();
    response.on("close", () => abort.abort());
    response.setHeader("Api-Version", apiVersion);
    response.setHeader("Docker-Experimental", "false");
    response.setHeader("Ostype", "linux");
    response.setHeader("Server", `Berth/${version} (linux)`);
    try {
      // Docker answers it for every path.
      if (request.method === "OPTIONS") {
        response.end();
        return;
      }
      const url = new URL(request.url ?? "/", "http://engine");
      const { path, version: spoken } = checkVersion(url.pathname);
      const found = this.#routes.filter((candidate) => candidate.path.test(path));
      const chosen = found.find((candidate) => candidate.method === request.method);
      if (!chosen) throw new BerthError("api/not-found", "page not found");
      const params = chosen.path.exec(path)?.slice(1) ?? [];
      await chosen.handler({
        request,
        response,
        params,
        query: url.searchParams,
        version: spoken,
        signal: abort.signal,
        ...(upgrade ? { upgrade } : {}),
      });
      this.#log.debug(
        { method: request.method, path: url.pathname, status: response.statusCode, ms: Math.round(performance.now() - started) },
        "request",
      );
    } catch (thrown) {
      const error =
        thrown instanceof URIError ? new BerthError("api/bad-parameter", "the path is not encoded rightly", { cause: thrown }) : thrown;
      // Whoever went away in the middle of a request is told nothing, and that it failed is nobody's fault.
      if (!(error instanceof BerthError) && !(error instanceof URIError) && !abort.signal.aborted)
        this.#log.error(
          { method: request.method, path: request.url?.split("?")[0], err: error instanceof Error ? error.stack : String(error) },
          "request failed",
        );
      if (error instanceof TooOldVersion) {
        response.writeHead(400, { "Content-Type": "text/plain; charset=utf-8" });
        response.end(`${error.message}\n`);
      } else if (!response.writableEnded) sendError(response, error);
      if (upgrade) response.once("finish", () => upgrade.socket.end());
    }
  }
}

/** Cuts "/v1.43" off. @throws BerthError api/bad-parameter for a version that is not answered */
function checkVersion(path: string): { path: string; version: number } {
  const match = /^\/v(\d+)(?:\.(\d+)((?:\.\d+)*))?(\/.*)$/.exec(path);
  if (!match) return { path, version: Number(apiVersion) };
  const newest = Number(apiVersion.split(".")[1]);
  const [major, asked] = [Number(match[1]), Number(match[2] ?? 0)];
  const text = path.slice(2, path.indexOf("/", 1));
  if (major > 1 || (major === 1 && (asked > newest || (asked === newest && match[3]))))
    throw new BerthError("api/bad-parameter", `client version ${text} is too new. Maximum supported API version is ${apiVersion}`);
  if (major < 1 || asked < Number(minimumApiVersion.split(".")[1])) throw new TooOldVersion(text);
  return { path: match[4] ?? "/", version: Number(`${major}.${asked}`) };
}

/** Clients of such a version print the whole answer, so it is plain text. */
class TooOldVersion extends BerthError {
  constructor(asked: string) {
    super(
      "api/bad-parameter",
      `client version ${asked} is too old. Minimum supported API version is ${minimumApiVersion}, please upgrade your client to a newer version`,
    );
  }
}

async function readExactly(socket: Duplex, head: Buffer, length: number): Promise<{ body: Buffer; rest: Buffer }> {
  checkBodySize(length);
  if (head.length >= length) return { body: head.subarray(0, length), rest: head.subarray(length) };
  const pieces = [head];
  let missing = length - head.length;
  await new Promise<void>((resolve, reject) => {
    const cut = () => done(() => reject(new BerthError("api/bad-parameter", "the request ended in the middle of its body")));
    const done = (settle: () => void) => {
      socket.off("readable", onReadable).off("end", cut).off("close", cut);
      settle();
    };
    // Read, not listened to: a socket that was paused by hand would not flow again for whoever listens next, and one that was not would lose bytes.
    const onReadable = () => {
      for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
        pieces.push(chunk as Buffer);
        missing -= (chunk as Buffer).length;
      }
      if (missing <= 0) done(resolve);
    };
    socket.on("readable", onReadable).on("end", cut).on("close", cut);
  });
  const got = Buffer.concat(pieces);
  return { body: got.subarray(0, length), rest: got.subarray(length) };
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
