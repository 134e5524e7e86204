import type { Container, EndpointSettings, Network } from "../api/index.ts";
import type { Endpoint, NetworkState, Sandbox } from "./network-state.ts";

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
