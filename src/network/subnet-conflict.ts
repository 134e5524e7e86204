import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import type { Network } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { formatAddress, formatSubnet, freeSubnet, overlap, parseSubnet, type Subnet } from "./subnet.ts";

/** A subnet that the host uses itself, and by what. */
export interface HostSubnet {
  readonly subnet: Subnet;
  readonly by: string;
  readonly isInterface: boolean;
}

/** What the host has an IPv4 interface in or a route to. Reads /proc. */
export function hostSubnets(): HostSubnet[] {
  const interfaces = Object.entries(networkInterfaces()).flatMap(([name, list]) =>
    (list ?? []).flatMap((entry) =>
      entry.family === "IPv4" && entry.cidr ? [{ subnet: parseSubnet(entry.cidr), by: `the interface ${name}`, isInterface: true }] : [],
    ),
  );
  return [...interfaces, ...routedSubnets(readFileSync("/proc/net/route", "utf8"))];
}

/** The destinations of /proc/net/route (little-endian hexadecimal address and mask), without the default route. */
export function routedSubnets(text: string): HostSubnet[] {
  return text
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"))
    .filter((fields) => fields[1] && fields[1] !== "00000000")
    .map((fields) => ({
      subnet: {
        base: BigInt(Buffer.from(fields[1] ?? "", "hex").readUInt32LE(0)),
        prefix: [...Number.parseInt(fields[7] ?? "0", 16).toString(2)].filter((bit) => bit === "1").length,
        bits: 32 as const,
      },
      by: `a route through ${fields[0]}`,
      isInterface: false,
    }));
}

/** What cannot be given to a new network: other networks', the host's own interfaces' and everything the host has a route to. */
export function takenSubnets(existing: readonly Network[], host: readonly HostSubnet[] = hostSubnets()): Subnet[] {
  const own = existing
    .filter((network) => !network.ConfigOnly)
    .flatMap((network) =>
      network.IPAM.Config.flatMap((entry) => (entry.Subnet && !entry.Subnet.includes(":") ? [parseSubnet(entry.Subnet)] : [])),
    );
  return [...own, ...host.map((one) => one.subnet)];
}

/**
 * The network as its bridge can be made now, where the host may have come to use its subnet since: another subnet if Berth chose it, the same network otherwise. One
 * that was asked for stays within a wider route of the host, which its own is then an exception of.
 * @throws BerthError network/subnet-taken: it was asked for, and an interface of the host is in it; network/no-subnet
 */
export function settledSubnet(
  network: Network,
  o: { chosenHere: boolean; others: readonly Network[]; host: readonly HostSubnet[] },
): Network {
  const entry = network.IPAM.Config.find((config) => config.Subnet && !config.Subnet.includes(":"));
  if (!entry?.Subnet) return network;
  const own = parseSubnet(entry.Subnet);
  const clash = o.host.find(
    ({ subnet, isInterface }) => overlap(subnet, own) && (o.chosenHere || (isInterface && subnet.prefix >= own.prefix)),
  );
  if (!clash) return network;
  if (!o.chosenHere)
    throw new BerthError(
      "network/subnet-taken",
      `network ${network.Name} cannot be made: its subnet ${entry.Subnet} overlaps ${formatSubnet(clash.subnet)} of ${clash.by}`,
      { hint: "Give the network another subnet, or take that interface down." },
    );
  const subnet = freeSubnet(takenSubnets(o.others, o.host));
  const renewed = { Subnet: formatSubnet(subnet), Gateway: formatAddress(subnet.base + 1n, subnet.bits) };
  return { ...network, IPAM: { ...network.IPAM, Config: network.IPAM.Config.map((config) => (config === entry ? renewed : config)) } };
}
