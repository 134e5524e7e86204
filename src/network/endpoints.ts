import { randomBytes } from "node:crypto";
import type { EndpointSettings, Network } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { bridgeOptions } from "./bridge-options.ts";
import { defaultMtu, type LinkPlan } from "./links.ts";
import type { Endpoint, NetworkState, Sandbox, StoredNetwork } from "./network-state.ts";
import { contains, formatAddress, freeAddress, parseAddress, parseSubnet } from "./subnet.ts";

/**
 * Reserves a container's place in a network: what was asked, else what it had before, else the lowest free address. An endpoint that exists keeps its MAC
 * address and interface name. What a container that does not run had before is its own against everyone but who asks for that very address.
 * @throws BerthError network/bad-address, network/address-taken, network/no-address
 */
export function reserveEndpoint(
  state: NetworkState,
  sandbox: Sandbox,
  network: Network,
  settings: EndpointSettings,
  names: readonly string[],
): void {
  if (network.ConfigOnly) throw new BerthError("network/forbidden", "cannot create endpoint on configuration-only network");
  const old = sandbox.endpoints[network.Id];
  const address = (family: 4 | 6, asked: string | undefined, kept: string | undefined) =>
    chooseAddress(
      network,
      family,
      asked,
      kept,
      takenAddresses(state, network.Id, sandbox.containerId, family, asked !== undefined && asked !== ""),
    );
  const key = sandbox.containerId.slice(0, 5) + network.Id.slice(0, 5);
  sandbox.endpoints[network.Id] = {
    networkId: network.Id,
    outer: `ve${key}`,
    inner: old?.inner ?? freeInterface(sandbox, network),
    mac: settings.MacAddress || old?.mac || randomMac(),
    address: address(4, settings.IPAMConfig?.IPv4Address, old?.address),
    address6: address(6, settings.IPAMConfig?.IPv6Address, old?.address6),
    names: [...new Set([...names, ...(settings.Aliases ?? [])])].filter(Boolean),
    links: (settings.Links ?? []).map((text) => {
      const [target = "", alias = target] = text.replace(/^\//, "").split(":");
      return { target, alias };
    }),
  };
  takeOver(state, sandbox, network.Id);
}

/** Nobody keeps an address that has a new owner. */
function takeOver(state: NetworkState, owner: Sandbox, networkId: string): void {
  const { address, address6 } = owner.endpoints[networkId] ?? {};
  for (const other of state.sandboxes.values()) {
    const endpoint = other.containerId === owner.containerId ? undefined : other.endpoints[networkId];
    if (!endpoint) continue;
    const [lost, lost6] = [
      endpoint.address !== "" && endpoint.address === address,
      endpoint.address6 !== "" && endpoint.address6 === address6,
    ];
    if (!lost && !lost6) continue;
    if (lost) endpoint.address = "";
    if (lost6) endpoint.address6 = "";
    state.putSandbox(other);
  }
}

/** The network that has the default route: the highest priority, then the first by name; never an internal one (Docker's rule). */
export function defaultRoute<T extends { network: Network; settings: EndpointSettings }>(wanted: readonly T[]): T | undefined {
  return wanted
    .filter(({ network }) => !network.Internal)
    .sort((a, b) => (b.settings.GwPriority ?? 0) - (a.settings.GwPriority ?? 0) || (a.network.Name < b.network.Name ? -1 : 1))[0];
}

export function linkPlan({ network, link }: StoredNetwork, endpoint: Endpoint, isDefault: boolean): LinkPlan {
  const prefix = (address: string) =>
    network.IPAM.Config.find((entry) => entry.Subnet?.includes(":") === address.includes(":"))?.Subnet?.split("/")[1];
  return {
    outer: endpoint.outer,
    bridge: link,
    inner: endpoint.inner,
    mac: endpoint.mac,
    mtu: mtuOf(network),
    addresses: [endpoint.address, endpoint.address6].filter(Boolean).map((address) => `${address}/${prefix(address)}`),
    gateways: isDefault ? network.IPAM.Config.flatMap((entry) => entry.Gateway ?? []) : [],
  };
}

export function mtuOf(network: Network): number {
  return bridgeOptions(network.Options).mtu ?? defaultMtu();
}

function chooseAddress(
  network: Network,
  family: 4 | 6,
  asked: string | undefined,
  kept: string | undefined,
  taken: ReadonlyMap<bigint, string>,
): string {
  const entry = network.IPAM.Config.find((config) => config.Subnet?.includes(":") === (family === 6));
  if (!entry?.Subnet) {
    if (asked)
      throw new BerthError("network/bad-address", `network ${network.Name} has no IPv${family} subnet for the address ${asked}`, {
        hint: "Give the network a subnet of that family.",
      });
    return "";
  }
  const subnet = parseSubnet(entry.Subnet);
  if (asked) {
    const address = askedAddress(network, entry.Subnet, asked);
    const holder = address === parseAddress(entry.Gateway ?? "0.0.0.0") ? "the gateway" : taken.get(address);
    if (holder) throw new BerthError("network/address-taken", `Address already in use: ${asked} on network ${network.Name} is ${holder}'s`);
    return asked;
  }
  if (kept && contains(subnet, parseAddress(kept)) && !taken.has(parseAddress(kept))) return kept;
  const reserved = new Set([
    ...taken.keys(),
    ...(entry.Gateway ? [parseAddress(entry.Gateway)] : []),
    ...Object.values(entry.AuxiliaryAddresses ?? {}).map(parseAddress),
  ]);
  return formatAddress(freeAddress(subnet, entry.IPRange ? parseSubnet(entry.IPRange) : subnet, reserved), subnet.bits);
}

/** @throws BerthError network/bad-address */
function askedAddress(network: Network, subnet: string, asked: string): bigint {
  const address = parseAddress(asked);
  if (contains(parseSubnet(subnet), address)) return address;
  throw new BerthError(
    "network/bad-address",
    `invalid config for network ${network.Name}: the address ${asked} is not in its subnet ${subnet}`,
  );
}

/** Whether a container that starts later could have these addresses. Who has them now is a matter of its start, as with Docker. @throws BerthError network/bad-address */
export function checkAskedAddresses(network: Network, settings: EndpointSettings): void {
  const { IPv4Address, IPv6Address } = settings.IPAMConfig ?? {};
  if (IPv4Address) chooseAddress(network, 4, IPv4Address, undefined, new Map());
  if (IPv6Address) chooseAddress(network, 6, IPv6Address, undefined, new Map());
}

/** The addresses of others by who has them; `now`: only of those that run or are about to. */
function takenAddresses(state: NetworkState, networkId: string, exceptContainer: string, family: 4 | 6, now: boolean): Map<bigint, string> {
  const taken = new Map<bigint, string>();
  for (const other of state.sandboxes.values()) {
    if (now && !other.attached && !state.attaching.has(other.containerId)) continue;
    const endpoint = other.containerId === exceptContainer ? undefined : other.endpoints[networkId];
    const address = family === 6 ? endpoint?.address6 : endpoint?.address;
    if (address) taken.set(parseAddress(address), other.name);
  }
  return taken;
}

function freeInterface(sandbox: Sandbox, network: Network): string {
  const used = new Set(Object.values(sandbox.endpoints).flatMap((endpoint) => (endpoint.networkId === network.Id ? [] : [endpoint.inner])));
  const { interfacePrefix } = bridgeOptions(network.Options);
  for (let index = 0; ; index++) if (!used.has(`${interfacePrefix}${index}`)) return `${interfacePrefix}${index}`;
}

/** Locally administered, as Docker's: 02:42 and four random bytes. */
function randomMac(): string {
  return `02:42:${randomBytes(4)
    .toString("hex")
    .replace(/(..)(?=.)/g, "$1:")}`;
}
