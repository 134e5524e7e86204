import { randomBytes } from "node:crypto";
import type { Network, NetworkCreateBody } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { bridgeOptions, checkBridgeOptions } from "./bridge-options.ts";
import { checkConfigOnly, withConfigFrom } from "./config-network.ts";
import { checkIpam } from "./ipam-validation.ts";
import { isParentDriver, parentOptions } from "./parent-options.ts";
import { formatAddress, formatSubnet, freeSubnet, overlap, parseSubnet, type Subnet } from "./subnet.ts";
import { takenSubnets } from "./subnet-conflict.ts";

type IpamConfig = { Subnet: string; Gateway?: string; IPRange?: string; AuxiliaryAddresses?: Record<string, string> };

/**
 * The record of a new network: subnets and gateways chosen where they were not asked for (Docker's default pools; RFC 4193 for IPv6).
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
  const driver = !body.Driver || body.Driver === "default" ? "bridge" : body.Driver;
  if (driver !== "bridge" && !isParentDriver(driver))
    throw new BerthError("network/unknown-driver", `plugin "${driver}" not found`, {
      hint: "Berth makes bridge, macvlan and ipvlan networks.",
    });
  checkIpam(body);
  if (isParentDriver(driver)) parentOptions(driver, body.Options ?? {});
  else checkBridgeOptions(body.Options ?? {}, body.Internal === true);
  return {
    ...emptyNetwork(body.Name, driver),
    EnableIPv4: body.EnableIPv4 !== false,
    EnableIPv6: body.EnableIPv6 === true,
    IPAM: { Driver: ipamDriver, Options: body.IPAM?.Options ?? null, Config: addressing(body, driver, existing) },
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

function addressing(body: NetworkCreateBody, driver: string, existing: readonly Network[]): IpamConfig[] {
  const asked = (body.IPAM?.Config ?? []).flatMap((entry) => (entry.Subnet ? [{ ...entry, Subnet: entry.Subnet }] : []));
  const isV6 = (entry: { Subnet: string }) => entry.Subnet.includes(":");
  if (driver === "bridge" && [true, false].some((v6) => asked.filter((entry) => isV6(entry) === v6).length > 1))
    throw new BerthError("network/bad-option", "bridge driver doesn't support multiple subnets", {
      hint: "Give the network one subnet of each family, with a larger prefix where more addresses are needed.",
    });
  const hasGateway = (v6: boolean) => {
    // Nobody has an address there that leads out.
    if (driver !== "bridge") return body.Internal !== true;
    const { gatewayMode4, gatewayMode6 } = bridgeOptions(body.Options ?? {});
    return (v6 ? gatewayMode6 : gatewayMode4) !== "isolated";
  };
  // Docker keeps the two families apart and shows IPv4's first.
  const config = [...asked.filter((entry) => !isV6(entry)), ...asked.filter(isV6)].map((entry) =>
    askedFor(entry, hasGateway(isV6(entry)), existing),
  );
  if (body.EnableIPv4 !== false && !config.some((entry) => !isV6(entry)))
    config.unshift(chosen(freeSubnet(takenSubnets(existing)), hasGateway(false)));
  if (body.EnableIPv6 && !config.some(isV6)) config.push(chosen(uniqueLocalSubnet(), hasGateway(true)));
  return config;
}

function askedFor(
  entry: { Subnet: string; Gateway?: string; IPRange?: string; AuxiliaryAddresses?: Record<string, string> },
  hasGateway: boolean,
  existing: readonly Network[],
): IpamConfig {
  const subnet = parseSubnet(entry.Subnet);
  const clash = existing.find((network) => network.IPAM.Config.some((other) => other.Subnet && overlap(parseSubnet(other.Subnet), subnet)));
  if (clash)
    throw new BerthError(
      "network/subnet-taken",
      `invalid pool request: Pool overlaps with other one on this address space: ${formatSubnet(subnet)} is part of network ${clash.Name}`,
      { hint: "Choose another subnet." },
    );
  return {
    ...chosen(subnet, hasGateway),
    ...(entry.Gateway ? { Gateway: entry.Gateway } : {}),
    ...(entry.IPRange ? { IPRange: entry.IPRange } : {}),
    ...(entry.AuxiliaryAddresses ? { AuxiliaryAddresses: entry.AuxiliaryAddresses } : {}),
  };
}

const chosen = (subnet: Subnet, hasGateway: boolean): IpamConfig => ({
  Subnet: formatSubnet(subnet),
  ...(hasGateway ? { Gateway: formatAddress(subnet.base + 1n, subnet.bits) } : {}),
});

/** RFC 4193: fd, then 40 random bits, then the first of its subnets. */
function uniqueLocalSubnet(): Subnet {
  const random = randomBytes(5).toString("hex");
  return parseSubnet(`fd${random.slice(0, 2)}:${random.slice(2, 6)}:${random.slice(6)}::/64`);
}
