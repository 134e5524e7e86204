import { createSocket, type Socket } from "node:dgram";
import { createServer, type Server, type Socket as TcpSocket } from "node:net";
import packet, { type Answer, type DecodedPacket, type Question } from "dns-packet";
import { forward, framed, truncated, type Upstream, unframed } from "./dns-forward.ts";
import { dnsPort } from "./dns-sockets.ts";
import type { ResolverSockets } from "./resolver-sockets.ts";

/** What is known to one container: addresses of a name, the name of an address, and whom else to ask. */
export interface DnsView {
  addresses(name: string): readonly string[] | undefined;
  nameOf(address: string): string | undefined;
  /** Servers that are asked about everything else; none where nothing outside is to be asked. */
  upstream(): readonly Upstream[];
}

const ttlSeconds = 5;
const SERVFAIL = 2;

/**
 * A DNS server on one address, UDP and TCP (RFC 1035): a container's own resolver, or a bridge's gateway. Names of the asking container's networks are answered here,
 * with all their addresses; a known name has no other records (NODATA, so that nobody waits for an AAAA); the rest is passed on.
 */
export class DnsServer {
  readonly #udp: Socket;
  readonly #tcp: Server;
  readonly #connections = new Set<TcpSocket>();
  readonly #viewOf: (asker: string) => DnsView;

  private constructor(udp: Socket, tcp: Server, viewOf: (asker: string) => DnsView) {
    this.#udp = udp;
    this.#tcp = tcp;
    this.#viewOf = viewOf;
  }

  /** Listens on port 53, or throws the bind's error (EADDRINUSE where something else serves DNS on all addresses). `viewOf`: who asks, by its address. */
  static async listen(address: string, viewOf: (asker: string) => DnsView): Promise<DnsServer> {
    const udp = createSocket(address.includes(":") ? "udp6" : "udp4");
    const tcp = createServer();
    await new Promise<void>((resolve, reject) => {
      udp.once("error", reject);
      udp.bind(dnsPort, address, resolve);
    });
    try {
      await new Promise<void>((resolve, reject) => {
        tcp.once("error", reject);
        tcp.listen(dnsPort, address, resolve);
      });
    } catch (error) {
      udp.close();
      throw error;
    }
    const server = new DnsServer(udp, tcp, viewOf);
    server.#serve();
    return server;
  }

  /** Answers on sockets that are bound, and closes them at its end. Everybody who asks there sees the same. */
  static on(sockets: ResolverSockets, view: DnsView): DnsServer {
    const server = new DnsServer(createSocket("udp4"), createServer(), () => view);
    server.#serve();
    server.#udp.bind({ fd: sockets.udp });
    server.#tcp.listen({ fd: sockets.tcp });
    return server;
  }

  close(): void {
    this.#udp.close();
    this.#tcp.close();
    for (const socket of this.#connections) socket.destroy();
  }

  #serve(): void {
    this.#udp.removeAllListeners("error").on("error", () => {});
    this.#tcp.on("error", () => {});
    this.#udp.on("message", (message, from) => {
      void this.#answer(message, from.address, "udp").then((reply) => reply && this.#reply(truncated(reply, message), from));
    });
    this.#tcp.on("connection", (socket: TcpSocket) => {
      let stream: Buffer = Buffer.alloc(0);
      this.#connections.add(socket);
      socket.setTimeout(10_000, () => socket.destroy());
      socket.on("close", () => this.#connections.delete(socket));
      socket.on("error", () => socket.destroy());
      socket.on("data", (chunk: Buffer) => {
        const { messages, rest } = unframed(Buffer.concat([stream, chunk]));
        stream = rest;
        for (const message of messages)
          void this.#answer(message, socket.remoteAddress ?? "", "tcp").then((reply) => reply && socket.write(framed(reply)));
      });
    });
  }

  #reply(message: Buffer, to: { port: number; address: string }): void {
    try {
      this.#udp.send(message, to.port, to.address, () => {});
    } catch {
      // It was closed meanwhile.
    }
  }

  async #answer(message: Buffer, asker: string, protocol: "udp" | "tcp"): Promise<Buffer | undefined> {
    let query: DecodedPacket;
    try {
      query = packet.decode(message);
    } catch {
      return undefined; // not DNS
    }
    const question = query.questions?.[0];
    if (!question || query.type !== "query") return undefined;
    const view = this.#viewOf(asker.replace(/^::ffff:/, ""));
    const own = ownRecords(question, view);
    if (own) return packet.encode({ type: "response", id: query.id ?? 0, flags: 0x0580, questions: [question], answers: own });
    return (
      (await forward(message, view.upstream(), protocol)) ??
      packet.encode({ type: "response", id: query.id ?? 0, flags: 0x0180 | SERVFAIL, questions: [question] })
    );
  }
}

/** The records of a name of ours; empty for a known name without such a record; undefined for what is not ours. */
function ownRecords(question: Question, view: DnsView): Answer[] | undefined {
  const name = question.name.toLowerCase().replace(/\.$/, "");
  if (question.type === "PTR") {
    const address = reverseAddress(name);
    const host = address && view.nameOf(address);
    return host ? [{ type: "PTR", name: question.name, ttl: ttlSeconds, data: host }] : undefined;
  }
  const addresses = view.addresses(name);
  if (!addresses) return undefined;
  if (question.type !== "A" && question.type !== "AAAA") return [];
  const wanted = addresses.filter((address) => address.includes(":") === (question.type === "AAAA"));
  // Another first address each time: clients that take the first one are spread.
  const start = Math.floor(Math.random() * wanted.length);
  return [...wanted.slice(start), ...wanted.slice(0, start)].map((data) => ({
    type: question.type as "A" | "AAAA", // nothing else comes here
    name: question.name,
    ttl: ttlSeconds,
    data,
  }));
}

/** The address of a name below in-addr.arpa, or of all 32 digits below ip6.arpa, with no zeros left out (RFC 1035, 3.5; RFC 3596, 2.5). */
function reverseAddress(name: string): string | undefined {
  const v4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name);
  if (v4) return `${v4[4]}.${v4[3]}.${v4[2]}.${v4[1]}`;
  if (!/^([0-9a-f]\.){32}ip6\.arpa$/.test(name)) return undefined;
  return name.slice(0, 63).split(".").reverse().join("").match(/.{4}/g)?.join(":");
}
