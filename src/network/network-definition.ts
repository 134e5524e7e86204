import { randomBytes } from "node:crypto";
import type { Network, NetworkCreateBody } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { checkBridgeOptions } from "./bridge-options.ts";
import { checkConfigOnly, withConfigFrom } from "./config-network.ts";
import { checkIpam } from "./ipam-validation.ts";
import { formatAddress, formatSubnet, freeSubnet, overlap, parseSubnet, type Subnet } from "./subnet.ts";
import { takenSubnets } from "./subnet-conflict.ts";

type IpamConfig = { Subnet: string; Gateway: string; IPRange?: string; AuxiliaryAddresses?: Record<string, string> };

/**
 * The record of a new bridge network: subnets and gateways chosen where they were not asked for (Docker's default pools; RFC 4193 for IPv6).
 * @throws BerthError network/unknown-driver, network/bad-option, network/subnet-taken, network/bad-address, network/no-subnet
 */
export function defineNetwork(asked: NetworkCreateBody, all: readonly Network[]): Network {
  const body = withConfigFrom(asked, all);
  const existing = all.filter((network) => !network.ConfigOnly);
  const ipamDriver = body.IPAM?.Driver || "default";
  if (!["default", "null"].includes(ipamDriver)) throw new BerthError("network/unknown-driver", `plugin "${ipamDriver}" not found`);
  if (body.EnableIPv4 === false && body.EnableIPv6 !== true) throw new BerthError("network/bad-option", "IPv4 or IPv6 must be enabled");
  if (body.ConfigOnly) {
    checkConfigOnly(body);
    return {
      ...emptyNetwork(body.Name, "null"),
      ConfigOnly: true,
      EnableIPv4: body.EnableIPv4 !== false,
      EnableIPv6: body.EnableIPv6 === true,
      IPAM: { Driver: ipamDriver, Options: body.IPAM?.Options ?? null, Config: body.IPAM?.Config ?? [] },
      Options: body.Options ?? {},
      Labels: body.Labels ?? {},
    };
  }
  const driver = body.Driver || "bridge";
  if (driver !== "bridge")
    throw new BerthError("network/unknown-driver", `plugin "${driver}" not found`, { hint: "Berth makes bridge networks." });
  checkIpam(body);
  checkBridgeOptions(body.Options ?? {});
  return {
    ...emptyNetwork(body.Name, "bridge"),
    EnableIPv4: body.EnableIPv4 !== false,
    EnableIPv6: body.EnableIPv6 === true,
    IPAM: { Driver: ipamDriver, Options: body.IPAM?.Options ?? null, Config: addressing(body, existing) },
    ConfigFrom: { Network: asked.ConfigFrom?.Network ?? "" },
    Internal: body.Internal === true,
    Attachable: body.Attachable === true,
    Options: body.Options ?? {},
    Labels: body.Labels ?? {},
  };
}

/** "host" and "none": networks that have no bridge. */
export const predefinedNetwork = (name: "host" | "none"): Network => emptyNetwork(name, name === "none" ? "null" : name);

function emptyNetwork(name: string, driver: string): Network {
  return {
    Name: name,
    Id: randomBytes(32).toString("hex"),
    Created: new Date().toISOString(),
    Scope: "local",
    Driver: driver,
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: { Driver: "default", Options: null, Config: [] },
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Options: {},
    Labels: {},
  };
}

function addressing(body: NetworkCreateBody, existing: readonly Network[]): IpamConfig[] {
  const config = (body.IPAM?.Config ?? []).flatMap((entry) =>
    entry.Subnet ? [askedFor({ ...entry, Subnet: entry.Subnet }, existing)] : [],
  );
  const isV6 = (entry: IpamConfig) => entry.Subnet.includes(":");
  if (body.EnableIPv4 !== false && !config.some((entry) => !isV6(entry))) config.unshift(withGateway(freeSubnet(takenSubnets(existing))));
  if (body.EnableIPv6 && !config.some(isV6)) config.push(withGateway(uniqueLocalSubnet()));
  return config;
}

function askedFor(
  entry: { Subnet: string; Gateway?: string; IPRange?: string; AuxiliaryAddresses?: Record<string, string> },
  existing: readonly Network[],
): IpamConfig {
  const subnet = parseSubnet(entry.Subnet);
  const clash = existing.find((network) => network.IPAM.Config.some((other) => other.Subnet && overlap(parseSubnet(other.Subnet), subnet)));
  if (clash)
    throw new BerthError(
      "network/subnet-taken",
      `Pool overlaps with other one on this address space: ${formatSubnet(subnet)} is part of network ${clash.Name}`,
      { hint: "Choose another subnet." },
    );
  const gateway = entry.Gateway || formatAddress(subnet.base + 1n, subnet.bits);
  return {
    Subnet: formatSubnet(subnet),
    Gateway: gateway,
    ...(entry.IPRange ? { IPRange: entry.IPRange } : {}),
    ...(entry.AuxiliaryAddresses ? { AuxiliaryAddresses: entry.AuxiliaryAddresses } : {}),
  };
}

const withGateway = (subnet: Subnet): IpamConfig => ({
  Subnet: formatSubnet(subnet),
  Gateway: formatAddress(subnet.base + 1n, subnet.bits),
});

/** RFC 4193: fd, then 40 random bits, then the first of its subnets. */
function uniqueLocalSubnet(): Subnet {
  const random = randomBytes(5).toString("hex");
  return parseSubnet(`fd${random.slice(0, 2)}:${random.slice(2, 6)}:${random.slice(6)}::/64`);
}
