import { BlockList, isIPv4, isIPv6 } from "node:net";
import type { ContainerCreateBody, EndpointSettings, Network } from "../../api/index.ts";
import { BerthError } from "../../system/index.ts";

/**
 * What a create asks of each network (moby, validateEndpointSettings). A network that is not there is none's fault yet: the start looks for it.
 * @throws BerthError container/bad-config
 */
export function checkEndpoints(
  body: ContainerCreateBody,
  apiVersion: number,
  find: (ref: string) => Network | undefined = () => undefined,
): void {
  const mode = networkMode(body);
  const endpoints: Record<string, EndpointSettings | null> = { ...body.NetworkingConfig?.EndpointsConfig };
  if (endpoints["default"] && mode === "bridge") {
    endpoints["bridge"] = endpoints["default"];
    delete endpoints["default"];
  }
  if (apiVersion < 1.44 && Object.keys(endpoints).length > 1)
    refuse(`Container cannot be created with multiple network endpoints: ${Object.keys(endpoints).join(", ")}`);
  if (body.MacAddress && mode !== "host" && mode !== "none" && !mode.startsWith("container:")) {
    const main = endpoints[mode];
    if (!main && Object.keys(endpoints).length > 0 && apiVersion >= 1.44)
      refuse(
        "unable to migrate container-wide MAC address to a specific network: HostConfig.NetworkMode must match the identity of a network in NetworkSettings.Networks",
      );
    if (main?.MacAddress && main.MacAddress !== body.MacAddress)
      refuse("the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty");
    endpoints[mode] = { ...main, MacAddress: body.MacAddress };
  }
  const faults = Object.entries(endpoints).flatMap(([name, endpoint]) => {
    const fault = endpoint ? endpointFault(name, endpoint, find(name)) : "EndpointsConfig is nil";
    return fault ? [`invalid config for network ${name}: ${fault}`] : [];
  });
  if (faults.length > 0) refuse(faults.join("\n"));
}

/** The same for one network that a container is connected to later. @throws BerthError container/bad-config */
export function checkEndpoint(network: Network, endpoint: EndpointSettings): void {
  const fault = endpointFault(network.Name, endpoint, network);
  if (fault) refuse(fault);
}

export function networkMode({ HostConfig: hc }: ContainerCreateBody): string {
  return !hc?.NetworkMode || hc.NetworkMode === "default" ? "bridge" : hc.NetworkMode;
}

function endpointFault(name: string, endpoint: EndpointSettings, network: Network | undefined): string | undefined {
  const { IPv4Address: v4, IPv6Address: v6, LinkLocalIPs: linkLocal } = endpoint.IPAMConfig ?? {};
  const faults: string[] = [];
  const predefined = ["bridge", "host", "none", "default"].includes(name);
  if (predefined && (v4 || v6)) faults.push("user specified IP address is supported on user defined networks only");
  if (predefined && endpoint.Aliases?.length) faults.push("network-scoped alias is supported only for containers in user defined networks");
  if (v4 && (!isIPv4(v4) || v4 === "0.0.0.0")) faults.push(`invalid IPv4 address: ${v4}`);
  if (v6 && (!isIPv6(v6) || v6 === "::")) faults.push(`invalid IPv6 address: ${v6}`);
  for (const address of [v4, v6])
    if (address && network && !predefined && faults.length === 0 && !isInSubnet(network, address))
      faults.push(`no configured subnet or ip-range contain the IP address ${address}`);
  for (const one of linkLocal ?? []) if (!isIPv4(one) && !isIPv6(one)) faults.push(`invalid link-local IP address: ${one}`);
  if (endpoint.MacAddress && !/^([0-9a-f]{2}([:-])([0-9a-f]{2}\2){4}[0-9a-f]{2}|([0-9a-f]{4}\.){2}[0-9a-f]{4})$/i.test(endpoint.MacAddress))
    return `invalid MAC address ${endpoint.MacAddress}`;
  return faults.length > 0
    ? `invalid endpoint settings:\n${faults.length > 1 ? faults.map((one) => `* ${one}`).join("\n") : faults[0]}`
    : undefined;
}

function isInSubnet({ IPAM: { Config: config } }: Network, address: string): boolean {
  const family = isIPv4(address) ? "ipv4" : "ipv6";
  return config.some(({ Subnet: subnet }) => {
    const [base = "", prefix] = subnet?.split("/") ?? [];
    if ((family === "ipv4") !== isIPv4(base)) return false;
    const list = new BlockList();
    list.addSubnet(base, Number(prefix), family);
    return list.check(address, family);
  });
}

function refuse(message: string): never {
  throw new BerthError("container/bad-config", message);
}
