import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { connect, createServer, type Server, type Socket } from "node:net";
import { BerthError, errnoOf, messageOf } from "../system/index.ts";
import { portOwner } from "./port-owner.ts";
import type { PublishedPort } from "./ruleset.ts";

const udpIdleMs = 90_000;

/** The kernel's words for why an address cannot be bound, as programs in Go pass them on. */
const words: Readonly<Record<string, string>> = {
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "cannot assign requested address",
  EACCES: "permission denied",
};

/** An address in front of a port. */
export function hostPart(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/**
 * Holds one published port with a socket of the engine: nobody else can take it, a port that is taken is noticed, and what the kernel cannot translate
 * (::1, a host without IPv6 in its networks) is passed on by the engine itself.
 */
export class PortHolder {
  readonly #close: () => void;
  readonly port: number;

  private constructor(port: number, close: () => void) {
    this.port = port;
    this.#close = close;
  }

  close(): void {
    this.#close();
  }

  /** @throws BerthError network/port-taken in Docker's words; its hint names the process that has it */
  static async open(wanted: PublishedPort): Promise<PortHolder> {
    try {
      return wanted.protocol === "tcp" ? await PortHolder.#tcp(wanted) : await PortHolder.#udp(wanted);
    } catch (error) {
      const owner = wanted.hostPort ? portOwner(wanted.protocol, wanted.hostPort) : undefined;
      const taken = errnoOf(error) === "EADDRINUSE";
      const { hostIp, hostPort, address, port, protocol } = wanted;
      throw new BerthError(
        "network/port-taken",
        `failed to bind host port for ${hostPart(hostIp)}:${hostPort}:${hostPart(address)}:${port}/${protocol}: ${words[errnoOf(error) ?? ""] ?? messageOf(error)}`,
        {
          hint: taken
            ? `${owner ? `${owner} listens there. ` : ""}Stop that process, or publish another port.`
            : "Is the address one of this host's?",
          cause: error,
        },
      );
    }
  }

  static async #tcp(wanted: PublishedPort): Promise<PortHolder> {
    const sockets = new Set<Socket>();
    const server: Server = createServer({ allowHalfOpen: true }, (client) => {
      const upstream = connect({ host: wanted.address, port: wanted.port, allowHalfOpen: true });
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on("close", () => {
          sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
        socket.on("error", () => socket.destroy());
      }
      client.pipe(upstream);
      upstream.pipe(client);
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: wanted.hostIp, port: wanted.hostPort, ipv6Only: wanted.hostIp.includes(":") }, resolve);
    });
    const address = server.address();
    return new PortHolder(typeof address === "object" && address ? address.port : wanted.hostPort, () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
  }

  static async #udp(wanted: PublishedPort): Promise<PortHolder> {
    const v6 = wanted.hostIp.includes(":");
    const server = createSocket({ type: v6 ? "udp6" : "udp4", ipv6Only: v6 });
    const sessions = new Map<string, { socket: UdpSocket; timer: NodeJS.Timeout }>();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.bind(wanted.hostPort, wanted.hostIp, resolve);
    });
    server.removeAllListeners("error").on("error", () => {});
    server.on("message", (message, from) => {
      const key = `${from.address} ${from.port}`;
      let session = sessions.get(key);
      if (!session) {
        const socket = createSocket(wanted.address.includes(":") ? "udp6" : "udp4");
        const end = () => {
          sessions.delete(key);
          socket.close();
        };
        socket.on("error", () => {});
        socket.on("message", (reply) => server.send(reply, from.port, from.address));
        session = { socket, timer: setTimeout(end, udpIdleMs) };
        session.timer.unref();
        sessions.set(key, session);
      }
      session.timer.refresh();
      session.socket.send(message, wanted.port, wanted.address);
    });
    return new PortHolder(server.address().port, () => {
      for (const { socket, timer } of sessions.values()) {
        clearTimeout(timer);
        socket.close();
      }
      server.close();
    });
  }
}
