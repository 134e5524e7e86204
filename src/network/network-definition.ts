import { randomBytes } from "node:crypto";
import type { Network, NetworkCreateBody } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { bridgeOptions, bridgeOptionsWithoutEffect, checkBridgeOptions, isEnabled } from "./bridge-options.ts";
import { checkConfigOnly, withConfigFrom } from "./config-network.ts";
import { checkIpam } from "./ipam-validation.ts";
import { isParentDriver, parentOptions, parentOptionsWithoutEffect } from "./parent-options.ts";
import { formatAddress, formatSubnet, freeAddress, freeSubnet, overlap, parseAddress, parseSubnet, type Subnet } from "./subnet.ts";
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
  const options = body.Options ?? {};
  const [hasV4, hasV6] = [isEnabled(options, 4, body.EnableIPv4), isEnabled(options, 6, body.EnableIPv6)];
  if (!hasV4 && !hasV6) throw new BerthError("network/bad-option", "IPv4 or IPv6 must be enabled");
  if (body.ConfigOnly) {
    checkConfigOnly(body);
    return {
      ...emptyNetwork(body.Name, "null"),
      ConfigOnly: true,
      EnableIPv4: hasV4,
      EnableIPv6: hasV6,
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
  if (ipamDriver === "null" && driver === "bridge") throw new BerthError("network/bad-option", "ipv4 pool is empty");
  checkIpam({ ...body, EnableIPv6: hasV6 });
  if (isParentDriver(driver)) parentOptions(driver, body.Options ?? {});
  else checkBridgeOptions(body.Options ?? {}, body.Internal === true);
  return {
    ...emptyNetwork(body.Name, driver),
    Scope: body.Scope || "local",
    EnableIPv4: hasV4,
    EnableIPv6: hasV6,
    IPAM: {
      Driver: ipamDriver,
      Options: body.IPAM?.Options ?? null,
      Config: addressing({ ...body, EnableIPv4: hasV4, EnableIPv6: hasV6 }, driver, existing),
    },
    ConfigFrom: { Network: asked.ConfigFrom?.Network ?? "" },
    Internal: body.Internal === true,
    Attachable: body.Attachable === true,
    Options: body.Options ?? {},
    Labels: body.Labels ?? {},
  };
}

/** The options of a network that nothing comes of. */
export function optionsWithoutEffect({ Driver: driver, Options: options }: Pick<Network, "Driver" | "Options">): string[] {
  return isParentDriver(driver) ? parentOptionsWithoutEffect(driver, options) : bridgeOptionsWithoutEffect(options);
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
  const clashing = asked.some(({ Subnet: one }, at) =>
    asked.slice(at + 1).some(({ Subnet: other }) => overlap(parseSubnet(one), parseSubnet(other))),
  );
  if (clashing)
    throw new BerthError("network/subnet-taken", "invalid pool request: Pool overlaps with other one on this address space", {
      hint: "Two of the subnets that the network is to have overlap.",
    });
  if (driver === "bridge" && [true, false].some((v6) => asked.filter((entry) => isV6(entry) === v6).length > 1))
    throw new BerthError("network/forbidden", "bridge driver doesn't support multiple subnets", {
      hint: "Give the network one subnet of each family, with a larger prefix where more addresses are needed.",
    });
  const hasGateway = (v6: boolean) => {
    // Nobody has an address there that leads out.
    if (driver !== "bridge") return body.Internal !== true;
    const { gatewayMode4, gatewayMode6, hasGateway4 } = bridgeOptions(body.Options ?? {});
    if (body.Internal && !v6 && !hasGateway4) return false;
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
  const config = {
    ...chosen(subnet, hasGateway, entry.IPRange || undefined),
    ...(entry.Gateway ? { Gateway: entry.Gateway } : {}),
  };
  for (const [name, address] of Object.entries(entry.AuxiliaryAddresses ?? {}))
    if (config.Gateway && address && parseAddress(address) === parseAddress(config.Gateway))
      throw new BerthError("network/no-address", `failed to allocate secondary ip address (${name}:${address}): Address already in use`, {
        hint: "It is the gateway's: give the network another gateway, or this name another address.",
      });
  return {
    ...config,
    ...(entry.IPRange ? { IPRange: entry.IPRange } : {}),
    ...(entry.AuxiliaryAddresses ? { AuxiliaryAddresses: entry.AuxiliaryAddresses } : {}),
  };
}

/** The gateway is the first address that containers could have. */
const chosen = (subnet: Subnet, hasGateway: boolean, range = formatSubnet(subnet)): IpamConfig => ({
  Subnet: formatSubnet(subnet),
  ...(hasGateway ? { Gateway: formatAddress(freeAddress(subnet, parseSubnet(range), new Set()), subnet.bits) } : {}),
});

/** RFC 4193: fd, then 40 random bits, then the first of its subnets. */
function uniqueLocalSubnet(): Subnet {
  const random = randomBytes(5).toString("hex");
  return parseSubnet(`fd${random.slice(0, 2)}:${random.slice(2, 6)}:${random.slice(6)}::/64`);
}
