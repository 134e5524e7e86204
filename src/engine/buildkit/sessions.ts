import type { IncomingHttpHeaders } from "node:http";
import type { Duplex } from "node:stream";
import { BerthError } from "../../system/index.ts";
import { Arrivals } from "./arrival.ts";
import { ClientSession } from "./client-session.ts";
import type { Protocol } from "./protocol.ts";

/** How long a build waits for the session that it names: the client opens both at the same time. */
const arrivalMs = 5_000;

/** The sessions of the clients that are connected now, by id. */
export class Sessions {
  readonly #protocol: Protocol;
  readonly #sessions = new Map<string, ClientSession>();
  readonly #arrivals = new Arrivals();

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
  }

  /** @throws BerthError api/bad-parameter, api/conflict, before the connection is taken over */
  check(headers: IncomingHttpHeaders): void {
    const id = sessionId(headers);
    if (id === "") throw new BerthError("api/bad-parameter", "X-Docker-Expose-Session-Uuid is missing");
    if (this.#sessions.has(id)) throw new BerthError("api/conflict", `session ${id} already exists`);
  }

  /** Takes the connection over; settles when the client has gone. */
  async add(headers: IncomingHttpHeaders, socket: Duplex): Promise<void> {
    const session = new ClientSession({
      id: sessionId(headers),
      sharedKey: one(headers["x-docker-expose-session-sharedkey"]),
      // Node joins a header that was sent several times.
      offered: one(headers["x-docker-expose-session-grpc-method"])
        .split(",")
        .map((path) => path.trim()),
      socket,
      protocol: this.#protocol,
    });
    this.#sessions.set(session.id, session);
    this.#arrivals.tell();
    try {
      await session.watchHealth({ everyMs: 5_000, timeoutMs: 15_000 });
    } finally {
      this.#sessions.delete(session.id);
    }
  }

  /** @throws BerthError build/cancelled where it does not come */
  async get(id: string, signal: AbortSignal): Promise<ClientSession> {
    const found = await this.#arrivals.wait(() => this.#sessions.get(id), { signal, timeoutMs: arrivalMs });
    if (!found) throw new BerthError("build/cancelled", `no active session for ${id}`);
    return found;
  }

  close(): void {
    for (const session of this.#sessions.values()) session.close();
  }
}

function sessionId(headers: IncomingHttpHeaders): string {
  return one(headers["x-docker-expose-session-uuid"]);
}

function one(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}
