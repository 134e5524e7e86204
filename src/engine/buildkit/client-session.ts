import type { Duplex } from "node:stream";
import { BerthError } from "../../system/index.ts";
import { type CallMetadata, GrpcConnection, type GrpcStream } from "./grpc-client.ts";
import { GrpcError, grpcCode } from "./grpc-status.ts";
import type { Method, Protocol } from "./protocol.ts";

/** One client's session: the services that it offers to its builds (files, secrets, agents, credentials), for as long as it is connected. */
export class ClientSession {
  readonly id: string;
  /** The same for each build of one directory by one client: what was sent before can be kept under it. */
  readonly sharedKey: string;
  readonly #offered: ReadonlySet<string>;
  readonly #protocol: Protocol;
  readonly #connection: GrpcConnection;
  readonly #ended = new AbortController();
  /** Aborted when the client is gone. */
  readonly signal = this.#ended.signal;

  constructor(o: { id: string; sharedKey: string; offered: readonly string[]; socket: Duplex; protocol: Protocol }) {
    this.id = o.id;
    this.sharedKey = o.sharedKey;
    this.#offered = new Set(o.offered.map((path) => path.toLowerCase()));
    this.#protocol = o.protocol;
    this.#connection = new GrpcConnection(o.socket);
    void this.#connection.closed.then(() => this.#ended.abort(new BerthError("build/cancelled", "the client's session has ended")));
  }

  offers(service: string, method: string): boolean {
    return this.#offered.has(`/${service}/${method}`.toLowerCase());
  }

  async call(service: string, method: string, request: object, o: { signal: AbortSignal; metadata?: CallMetadata }): Promise<object> {
    return await this.#connection.call(this.#method(service, method), request, o);
  }

  /** `messagesOf` names a method whose messages the stream carries instead of its own. */
  open(
    service: string,
    method: string,
    o: { signal: AbortSignal; metadata?: CallMetadata; messagesOf?: { service: string; method: string } },
  ): GrpcStream {
    const { path } = this.#method(service, method);
    const { messagesOf = { service, method }, ...options } = o;
    return this.#connection.open({ ...this.#method(messagesOf.service, messagesOf.method), path }, options);
  }

  /** Asks the client whether it is there until it is not: twice without an answer ends the session (as BuildKit's session health check does). */
  async watchHealth(o: { everyMs: number; timeoutMs: number }): Promise<void> {
    let failures = 0;
    while (!this.signal.aborted) {
      await pause(o.everyMs, this.signal);
      if (this.signal.aborted) return;
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), o.timeoutMs);
      const alive = await this.call("grpc.health.v1.Health", "Check", {}, { signal: late.signal }).then(
        () => true,
        // A client without that service is still one that answers.
        (error: unknown) => error instanceof GrpcError && error.code === grpcCode.unimplemented,
      );
      clearTimeout(timer);
      failures = alive ? 0 : failures + 1;
      if (failures === 2) this.#connection.destroy();
    }
  }

  close(): void {
    this.#connection.close();
  }

  #method(service: string, name: string): Method {
    const method = this.#protocol.methods(service)[name];
    if (!method) throw new Error(`${service} has no method ${name}`);
    return method;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
  });
}
