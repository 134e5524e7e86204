import { randomBytes } from "node:crypto";
import type { EndpointSettings, Network } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { bridgeOptions } from "./bridge-options.ts";
import { endpointOptions } from "./endpoint-options.ts";
import { type DefaultRoutes, defaultMtu, type LinkPlan } from "./links.ts";
import type { Endpoint, NetworkState, Sandbox, StoredNetwork } from "./network-state.ts";
import { isParentDriver, parentOptions } from "./parent-options.ts";
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
  const options = endpointOptions(settings);
  sandbox.endpoints[network.Id] = {
    networkId: network.Id,
    outer: isParentDriver(network.Driver) ? "" : `ve${key}`,
    inner: chooseInterface(sandbox, network, options.interfaceName),
    mac: settings.MacAddress || old?.mac || randomMac(),
    address: address(4, settings.IPAMConfig?.IPv4Address, old?.address),
    address6: address(6, settings.IPAMConfig?.IPv6Address, old?.address6),
    names: dnsNames(names, settings.Aliases ?? []),
    ...(settings.GwPriority ? { priority: settings.GwPriority } : {}),
    links: (settings.Links ?? []).map((text) => {
      const [target = "", alias = target] = text.replace(/^\//, "").split(":");
      return { target, alias };
    }),
  };
  takeOver(state, sandbox, network.Id);
}

/** The container's name, its aliases, then what else it answers to (Docker's order of DNSNames). */
function dnsNames([name = "", ...others]: readonly string[], aliases: readonly string[]): string[] {
  return [...new Set([name, ...aliases, ...others])].filter(Boolean);
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

/** The network that has a container's default route: the highest priority, then the first by name; never an internal one (Docker's rule). */
export function defaultNetwork(state: NetworkState, sandbox: Sandbox): Network | undefined {
  return Object.values(sandbox.endpoints)
    .flatMap(({ networkId, priority = 0 }) => {
      const network = state.networks.get(networkId)?.network;
      return network && !network.Internal ? [{ network, priority }] : [];
    })
    .sort((a, b) => b.priority - a.priority || (a.network.Name < b.network.Name ? -1 : 1))[0]?.network;
}

/** The interface of a container on a network; `settings` are those that its endpoint was reserved with. */
export function linkPlan(
  { network, link, parent = "" }: StoredNetwork,
  endpoint: Endpoint,
  settings: EndpointSettings,
  isDefault: boolean,
): LinkPlan {
  const prefix = (address: string) =>
    network.IPAM.Config.find((entry) => entry.Subnet?.includes(":") === address.includes(":"))?.Subnet?.split("/")[1];
  const { linkLocal, sysctls } = endpointOptions(settings);
  const own = [endpoint.address, endpoint.address6].filter(Boolean);
  return {
    host: isParentDriver(network.Driver)
      ? { on: "parent", parent, ...parentOptions(network.Driver, network.Options) }
      : { on: "bridge", bridge: link, outer: endpoint.outer },
    inner: endpoint.inner,
    mac: endpoint.mac,
    mtu: mtuOf(network),
    addresses: [...own.map((address) => `${address}/${prefix(address)}`), ...linkLocal],
    routes: isDefault ? defaultRoutes(network) : { gateways: [] },
    sysctls: [
      ...(endpoint.address6 ? [[`net/ipv6/conf/${endpoint.inner}/disable_ipv6`, "0"] as const] : []),
      ...sysctls.map(([path, value]) => [path.replace("/IFNAME/", `/${endpoint.inner}/`), value] as const),
    ],
  };
}

export function defaultRoutes(network: Network): DefaultRoutes {
  const subnets = network.IPAM.Config.flatMap((entry) => entry.Subnet ?? []);
  return isParentDriver(network.Driver) && parentOptions(network.Driver, network.Options).routes === "device"
    ? { families: subnets.map((subnet) => (subnet.includes(":") ? 6 : 4)) }
    : { gateways: ([4, 6] as const).flatMap((family) => poolOf(network, family)?.Gateway ?? []) };
}

/** The addresses that the bridge itself has, with their prefixes. */
export function bridgeAddresses(network: Network): string[] {
  const { hasGateway4 } = bridgeOptions(network.Options);
  return ([4, 6] as const)
    .flatMap((family) => poolOf(network, family) ?? [])
    .flatMap(({ Gateway: gateway, Subnet: subnet }) =>
      gateway && (hasGateway4 || gateway.includes(":")) ? [`${gateway}/${subnet?.split("/")[1]}`] : [],
    );
}

export function mtuOf(network: Network): number {
  if (isParentDriver(network.Driver)) return parentOptions(network.Driver, network.Options).mtu ?? 0;
  return bridgeOptions(network.Options).mtu ?? defaultMtu();
}

/** A subnet of a family that the network does not have is only noted. */
function poolOf(network: Network, family: 4 | 6): Network["IPAM"]["Config"][number] | undefined {
  if (!(family === 6 ? network.EnableIPv6 : network.EnableIPv4)) return undefined;
  return network.IPAM.Config.find((config) => config.Subnet?.includes(":") === (family === 6));
}

function chooseAddress(
  network: Network,
  family: 4 | 6,
  asked: string | undefined,
  kept: string | undefined,
  taken: ReadonlyMap<bigint, string>,
): string {
  const entry = poolOf(network, family);
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
  return formatAddress(
    freeAddress(subnet, entry.IPRange ? parseSubnet(entry.IPRange) : subnet, reserved, `${network.Name} (${network.Id})`),
    subnet.bits,
  );
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

/** @throws BerthError network/bad-option: another of its interfaces has the name that is asked for */
function chooseInterface(sandbox: Sandbox, network: Network, asked: string | undefined): string {
  const used = new Set(["lo"]);
  for (const endpoint of Object.values(sandbox.endpoints)) if (endpoint.networkId !== network.Id) used.add(endpoint.inner);
  if (asked !== undefined) {
    if (used.has(asked)) throw new BerthError("network/bad-option", `the container ${sandbox.name} has another interface ${asked}`);
    return asked;
  }
  const kept = sandbox.endpoints[network.Id]?.inner;
  if (kept && !used.has(kept)) return kept;
  const { interfacePrefix } = bridgeOptions(network.Options);
  for (let index = 0; ; index++) if (!used.has(`${interfacePrefix}${index}`)) return `${interfacePrefix}${index}`;
}

/** Locally administered, as Docker's: 02:42 and four random bytes. */
function randomMac(): string {
  return `02:42:${randomBytes(4)
    .toString("hex")
    .replace(/(..)(?=.)/g, "$1:")}`;
}
