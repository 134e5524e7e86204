import { randomInt } from "node:crypto";
import { closeSync } from "node:fs";
import { AF, BerthError, errnoOf, NetlinkSocket, netlinkFamily, syscalls } from "../system/index.ts";
import { dnsPort, openSocket } from "./dns-sockets.ts";
import { insideNamespace } from "./net-namespace.ts";
import { redirectMessages } from "./nft-messages.ts";
import { addressBytes } from "./rtnetlink.ts";

/** Where a container of a user-defined network finds its resolver (Docker's embedded DNS server). */
export const resolverAddress = "127.0.0.11";
const table = "berth-dns";

/** Of the kernel's own choice for clients (ip-sysctl: ip_local_port_range), where a server of the container is least likely. */
const ports = { from: 32_768, to: 61_000 } as const;

/** Made when the first container needs them. */
let redirections: ReturnType<typeof redirectMessages> | undefined;

/** Descriptors of bound sockets in a container's network namespace; whoever gets them closes them. */
export interface ResolverSockets {
  readonly udp: number;
  readonly tcp: number;
}

/**
 * Sockets in a namespace that get what its processes send to 127.0.0.11, port 53. They are bound to another port, which a rule in the namespace translates: the
 * container may have a DNS server of its own on port 53 of all addresses. Spawns nothing. The namespace's loopback is up.
 */
export async function openResolverSockets(namespace: string): Promise<ResolverSockets> {
  const { rules, ...sockets } = insideNamespace(namespace, () => ({
    rules: new NetlinkSocket(netlinkFamily.netfilter),
    udp: openSocket(resolverAddress, "udp"),
    tcp: openSocket(resolverAddress, "tcp"),
  }));
  try {
    const [udpPort, tcpPort] = [bindSomewhere(sockets.udp), bindSomewhere(sockets.tcp)];
    redirections ??= redirectMessages(table, resolverAddress, [
      { protocol: "udp", port: dnsPort },
      { protocol: "tcp", port: dnsPort },
    ]);
    const messages = redirections;
    const redirect = (replacing: boolean) => rules.request(messages([udpPort, tcpPort], { replacing }));
    // Where another engine was here before, its table is.
    await redirect(false).catch((error: unknown) => {
      if (errnoOf(error) !== "EEXIST") throw error;
      return redirect(true);
    });
    return sockets;
  } catch (error) {
    for (const fd of [sockets.udp, sockets.tcp]) closeSync(fd);
    throw error;
  } finally {
    rules.close();
  }
}

function bindSomewhere(fd: number): number {
  const bind = syscalls().libc("int bind(int fd, const uint8_t *address, uint length)");
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(ports.from, ports.to);
    // struct sockaddr_in: the family in the host's byte order, the rest in the network's.
    const address = Buffer.alloc(16);
    address.writeUInt16LE(AF.inet, 0);
    address.writeUInt16BE(port, 2);
    addressBytes(resolverAddress).copy(address, 4);
    if (bind(fd, address, address.length) === 0) return port;
    try {
      syscalls().fail(`bind ${resolverAddress}:${port}`);
    } catch (error) {
      if (errnoOf(error) !== "EADDRINUSE") throw error;
    }
  }
  throw new BerthError("system/syscall", `no port of ${resolverAddress} is free`);
}
