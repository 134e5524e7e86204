import type { Container, EndpointSettings, Network } from "../api/index.ts";
import { bridgeOptions } from "./bridge-options.ts";
import { mtuOf } from "./endpoints.ts";
import type { Endpoint, NetworkState, Sandbox, StoredNetwork } from "./network-state.ts";

/** A container's place in a network as its inspection shows it (Docker API: EndpointSettings). */
export function endpointSettings(sandbox: Sandbox, network: Network, asked: EndpointSettings): EndpointSettings {
  const endpoint = sandbox.endpoints[network.Id];
  const [v4, v6] = [pool(network, 4), pool(network, 6)];
  return {
    ...asked,
    IPAMConfig: asked.IPAMConfig ?? null,
    Links: asked.Links ?? null,
    Aliases: asked.Aliases ?? null,
    DriverOpts: asked.DriverOpts ?? null,
    NetworkID: network.Id,
    EndpointID: endpointId(sandbox, network.Id),
    MacAddress: endpoint?.mac ?? "",
    Gateway: network.Internal ? "" : (v4?.Gateway ?? ""),
    IPAddress: endpoint?.address ?? "",
    IPPrefixLen: prefixOf(v4),
    IPv6Gateway: network.Internal ? "" : (v6?.Gateway ?? ""),
    GlobalIPv6Address: endpoint?.address6 ?? "",
    GlobalIPv6PrefixLen: prefixOf(v6),
    DNSNames: endpoint?.names ?? null,
  };
}

/**
 * A network as its inspection shows it: a gateway where somebody asked for one or for no subnet, and of the default bridge also what it is without being asked.
 * It is kept with all of it, because everything else needs that.
 */
export function shownNetwork(stored: StoredNetwork | undefined, network: Network): Network {
  const isQuiet = (subnet: string | undefined) => subnet !== undefined && stored?.quietGateways?.includes(subnet) === true;
  const shown = network.IPAM.Config.map(({ Gateway: gateway, ...entry }) => ({
    ...entry,
    ...(gateway && !isQuiet(entry.Subnet) ? { Gateway: gateway } : {}),
  }));
  const config = shown.length > 0 || !["host", "none"].includes(network.Name) ? shown : null;
  const IPAM = { ...network.IPAM, Config: config as Network["IPAM"]["Config"] }; // null, as Docker has it, for readers outside alone
  if (network.Name !== "bridge" || !stored) return { ...network, IPAM };
  const { icc, masquerade } = bridgeOptions(network.Options);
  const Options = {
    "com.docker.network.bridge.enable_icc": String(icc),
    "com.docker.network.bridge.enable_ip_masquerade": String(masquerade),
    "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0",
    "com.docker.network.bridge.name": stored.link,
    "com.docker.network.driver.mtu": String(mtuOf(network)),
    ...network.Options,
  };
  return { ...network, IPAM, Options };
}

/** The containers of a network as the network's inspection shows them, by container id. */
export function networkContainers(state: NetworkState, networkId: string): NonNullable<Network["Containers"]> {
  const network = state.networks.get(networkId)?.network;
  const withPrefix = (address: string | undefined, family: 4 | 6) =>
    address && network ? `${address}/${prefixOf(pool(network, family))}` : "";
  return Object.fromEntries(
    state.members(networkId).map((sandbox) => {
      const endpoint: Endpoint | undefined = sandbox.endpoints[networkId];
      return [
        sandbox.containerId,
        {
          Name: sandbox.name,
          EndpointID: endpointId(sandbox, networkId),
          MacAddress: endpoint?.mac ?? "",
          IPv4Address: withPrefix(endpoint?.address, 4),
          IPv6Address: withPrefix(endpoint?.address6, 6),
        },
      ];
    }),
  );
}

export const endpointId = (sandbox: Sandbox, networkId: string): string => sandbox.containerId.slice(0, 32) + networkId.slice(0, 32);

function pool(network: Network, family: 4 | 6): Network["IPAM"]["Config"][number] | undefined {
  if (!(family === 6 ? network.EnableIPv6 : network.EnableIPv4)) return undefined;
  return network.IPAM.Config.find((entry) => entry.Subnet?.includes(":") === (family === 6));
}

const prefixOf = (entry: { Subnet?: string } | undefined): number => Number(entry?.Subnet?.split("/")[1] ?? 0);

/** What a container's inspection shows of its networks and ports, as they are attached. */
export function networkSettings(
  sandbox: Sandbox,
  asked: { readonly endpoints: Readonly<Record<string, EndpointSettings>>; readonly exposed: readonly string[] },
  get: (ref: string) => Network,
): { networks: Record<string, EndpointSettings>; ports: Container["NetworkSettings"]["Ports"] } {
  const networks: Record<string, EndpointSettings> = {};
  for (const [ref, settings] of Object.entries(asked.endpoints)) {
    const network = get(ref);
    networks[network.Name] = endpointSettings(sandbox, network, settings);
  }
  const ports: Container["NetworkSettings"]["Ports"] = {};
  for (const key of asked.exposed) ports[key.includes("/") ? key.toLowerCase() : `${key}/tcp`] = null;
  for (const port of sandbox.published) {
    const key = `${port.port}/${port.protocol}`;
    ports[key] = [...(ports[key] ?? []), { HostIp: port.hostIp, HostPort: port.isRouted ? "" : String(port.hostPort) }];
  }
  return { networks, ports };
}
