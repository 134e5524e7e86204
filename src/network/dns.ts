import { createSocket, type Socket } from "node:dgram";
import { createServer, type Server, type Socket as TcpSocket } from "node:net";
import packet, { type Answer, type DecodedPacket, type Question } from "dns-packet";

/** What the server knows: addresses of a name as the container with this address sees it, and the name of an address. */
export interface DnsZone {
  addresses(asker: string, name: string): readonly string[] | undefined;
  nameOf(asker: string, address: string): string | undefined;
  /** Servers that are asked about everything else. */
  upstream(): readonly string[];
}

const ttlSeconds = 5;
const upstreamTimeoutMs = 2_500;
const REFUSED = 5;
const SERVFAIL = 2;

/**
 * The DNS server of one bridge, on its gateway's port 53, UDP and TCP (RFC 1035). Names of the asking container's networks are answered here, with all
 * their addresses; a known name has no other records (NODATA, so that nobody waits for an AAAA); the rest is passed on.
 */
export class DnsServer {
  readonly #udp: Socket;
  readonly #tcp: Server;
  readonly #zone: DnsZone;

  private constructor(udp: Socket, tcp: Server, zone: DnsZone) {
    this.#udp = udp;
    this.#tcp = tcp;
    this.#zone = zone;
  }

  /** Listens, or throws the bind's error (EADDRINUSE where something else serves DNS on all addresses). */
  static async listen(address: string, zone: DnsZone): Promise<DnsServer> {
    const udp = createSocket(address.includes(":") ? "udp6" : "udp4");
    const tcp = createServer();
    await new Promise<void>((resolve, reject) => {
      udp.once("error", reject);
      udp.bind(53, address, resolve);
    });
    try {
      await new Promise<void>((resolve, reject) => {
        tcp.once("error", reject);
        tcp.listen(53, address, resolve);
      });
    } catch (error) {
      udp.close();
      throw error;
    }
    const server = new DnsServer(udp, tcp, zone);
    server.#serve();
    return server;
  }

  close(): void {
    this.#udp.close();
    this.#tcp.close();
  }

  #serve(): void {
    this.#udp.removeAllListeners("error").on("error", () => {});
    this.#udp.on("message", (message, from) => {
      void this.#answer(message, from.address).then(
        (reply) => reply && this.#udp.send(truncate(reply, message), from.port, from.address, () => {}),
      );
    });
    this.#tcp.on("connection", (socket: TcpSocket) => {
      let rest = Buffer.alloc(0) as Buffer;
      socket.setTimeout(10_000, () => socket.destroy());
      socket.on("error", () => socket.destroy());
      socket.on("data", (chunk: Buffer) => {
        rest = Buffer.concat([rest, chunk]);
        while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
          const message = rest.subarray(2, 2 + rest.readUInt16BE(0));
          rest = rest.subarray(2 + message.length);
          void this.#answer(message, socket.remoteAddress ?? "").then((reply) => {
            if (!reply) return;
            const length = Buffer.alloc(2);
            length.writeUInt16BE(reply.length);
            socket.write(Buffer.concat([length, reply]));
          });
        }
      });
    });
  }

  async #answer(message: Buffer, asker: string): Promise<Buffer | undefined> {
    let query: DecodedPacket;
    try {
      query = packet.decode(message);
    } catch {
      return undefined; // not DNS
    }
    const question = query.questions?.[0];
    if (!question || query.type !== "query") return undefined;
    const own = this.#own(question, asker.replace(/^::ffff:/, ""));
    if (own) return packet.encode({ type: "response", id: query.id ?? 0, flags: 0x0580, questions: [question], answers: own });
    for (const server of this.#zone.upstream()) {
      const reply = await forward(message, server);
      if (reply) return reply;
    }
    return packet.encode({
      type: "response",
      id: query.id ?? 0,
      flags: 0x0180 | (this.#zone.upstream().length ? SERVFAIL : REFUSED),
      questions: [question],
    });
  }

  /** The records of a name of ours; empty for a known name without such a record; undefined for what is not ours. */
  #own(question: Question, asker: string): Answer[] | undefined {
    const name = question.name.toLowerCase().replace(/\.$/, "");
    if (question.type === "PTR") {
      const address = reverseAddress(name);
      const host = address && this.#zone.nameOf(asker, address);
      return host ? [{ type: "PTR", name: question.name, ttl: ttlSeconds, data: host }] : undefined;
    }
    const addresses = this.#zone.addresses(asker, name);
    if (!addresses) return undefined;
    if (question.type !== "A" && question.type !== "AAAA") return [];
    const wanted = addresses.filter((address) => address.includes(":") === (question.type === "AAAA"));
    // Another first address each time: clients that take the first one are spread.
    const start = Math.floor(Math.random() * wanted.length);
    return [...wanted.slice(start), ...wanted.slice(0, start)].map((data) => ({
      type: question.type as "A" | "AAAA",
      name: question.name,
      ttl: ttlSeconds,
      data,
    }));
  }
}

/** An answer over 512 bytes to a client that did not say it takes more: cut, and marked so that it asks again over TCP. */
function truncate(reply: Buffer, query: Buffer): Buffer {
  if (reply.length <= 512) return reply;
  const edns = packet.decode(query).additionals?.find((record) => record.type === "OPT");
  if (edns && "udpPayloadSize" in edns && Number(edns.udpPayloadSize) >= reply.length) return reply;
  const { id, questions } = packet.decode(reply);
  return packet.encode({ type: "response", id: id ?? 0, flags: 0x0780, questions: questions ?? [] });
}

function forward(message: Buffer, server: string): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(server.includes(":") ? "udp6" : "udp4");
    const done = (reply?: Buffer) => {
      clearTimeout(timer);
      socket.close();
      resolve(reply);
    };
    const timer = setTimeout(done, upstreamTimeoutMs);
    socket.once("error", () => done());
    socket.once("message", (reply) => done(reply));
    socket.connect(53, server, () => socket.send(message, (error) => error && done()));
  });
}

function reverseAddress(name: string): string | undefined {
  const v4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name);
  return v4 ? `${v4[4]}.${v4[3]}.${v4[2]}.${v4[1]}` : undefined;
}
