import type { Container, EndpointSettings, Network } from "../../api/index.ts";
import { type AttachRequest, type AttachResult, withNamesOf } from "../../network/index.ts";
import { BerthError } from "../../system/index.ts";
import type { ContainerRecord } from "./container-record.ts";
import { hostsOfHost } from "./joined.ts";
import { parseLink } from "./links.ts";
import { hasOwnNetwork } from "./namespaces.ts";
import type { ContainerParts } from "./parts.ts";

type Parts = Pick<ContainerParts, "networks" | "runtime" | "book">;

/**
 * The networks of these containers, set up in one batch. Where one of them spoils the batch (a port that is taken), each is tried for itself, so that the
 * others start and this one is named. Answers the namespaces by id, whose interfaces may still be on their way, and those that failed.
 */
export async function attachNetworks(parts: Parts, records: readonly ContainerRecord[]) {
  const netns = new Map<string, Pick<AttachResult, "netnsPath" | "ready">>();
  const failures: { record: ContainerRecord; error: unknown }[] = [];
  const own = records.filter(hasOwnNetwork);
  const attach = async (group: readonly ContainerRecord[]) => {
    const results = await parts.networks.attach(group.map(attachRequest));
    for (const [index, record] of group.entries()) {
      const result = results[index];
      if (!result) continue;
      noteNetworks(record, result);
      netns.set(record.Id, result);
    }
  };
  try {
    await attach(own);
  } catch (error) {
    if (own.length === 1 && own[0]) failures.push({ record: own[0], error: inDockersWords(error) });
    else
      for (const record of own) {
        try {
          await attach([record]);
        } catch (one) {
          failures.push({ record, error: inDockersWords(one) });
        }
      }
  }
  return { netns, failures };
}

/** A network that is missing is noticed only here, as with Docker: at the create a "not found" would make clients pull the image. */
function inDockersWords(error: unknown): unknown {
  if (!(error instanceof BerthError) || !["network/not-found", "network/no-address"].includes(error.code)) return error;
  return new BerthError(error.code, `failed to set up container networking: ${error.message}`, {
    cause: error,
    ...(error.hint ? { hint: error.hint } : {}),
  });
}

function noteNetworks(record: ContainerRecord, result: AttachResult): void {
  record.NetworkSettings.Networks = result.networks;
  record.NetworkSettings.Ports = result.ports;
  record.NetworkSettings.SandboxKey = result.netnsPath;
  record.NetworkSettings.SandboxID = record.Id;
}

function attachRequest(record: Container): AttachRequest {
  const isNone = record.HostConfig.NetworkMode === "none";
  return {
    containerId: record.Id,
    name: record.Name.slice(1),
    hostname: record.Config.Hostname ?? "",
    endpoints: isNone ? {} : inLookupOrder(record.NetworkSettings.Networks),
    ports: isNone ? {} : (record.HostConfig.PortBindings ?? {}),
    exposed: Object.keys({ ...record.Config.ExposedPorts, ...record.HostConfig.PortBindings }),
    publishAll: record.HostConfig.PublishAllPorts === true,
    dns: record.HostConfig.Dns ?? [],
  };
}

/** As libnetwork keeps a sandbox's endpoints, and so looks names up: by the gateway's priority, then by the network's name. */
function inLookupOrder(endpoints: Record<string, EndpointSettings>): Record<string, EndpointSettings> {
  const entries = Object.entries(endpoints).sort(
    ([a, one], [b, other]) => (other.GwPriority ?? 0) - (one.GwPriority ?? 0) || (a < b ? -1 : 1),
  );
  return Object.fromEntries(entries);
}

/** The networks that a container is on, as far as they are there. */
export function networksOf({ networks }: Pick<Parts, "networks">, record: ContainerRecord) {
  return hasOwnNetwork(record) ? Object.keys(record.NetworkSettings.Networks).flatMap((name) => networks.find(name) ?? []) : [];
}

/** One more network for a container, at once where it runs. @throws BerthError network/not-found, network/exists, ... */
export async function connectNetwork(parts: Parts, record: ContainerRecord, ref: string, settings: EndpointSettings): Promise<void> {
  const network = parts.networks.get(ref);
  checkConnect(record, network, settings);
  const before = resolvConfOf(parts, record);
  const got = await parts.networks.connect(record.Id, record.Name.slice(1), network.Id, {
    ...settings,
    Aliases: [...(settings.Aliases ?? [])],
  });
  // From now on it may have a resolver of its own.
  if (record.State.Running) parts.runtime.rewriteResolvConf(record.Id, before, resolvConfOf(parts, record));
  record.NetworkSettings.Networks = { ...record.NetworkSettings.Networks, [network.Name]: record.State.Running ? got : settings };
  parts.book.put(record);
  // Of one that does not run, its start tells.
  if (record.State.Running) parts.book.emitNetwork("connect", record, network);
}

/** What Docker refuses of a connection. @throws BerthError container/bad-config, network/bad-address */
function checkConnect(record: ContainerRecord, network: Network, settings: EndpointSettings): void {
  if (!hasOwnNetwork(record))
    throw new BerthError(
      "container/bad-config",
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
  if (network.Name !== "bridge") return;
  const faults = [
    ...(settings.IPAMConfig?.IPv4Address || settings.IPAMConfig?.IPv6Address
      ? ["user specified IP address is supported on user defined networks only"]
      : []),
    ...(settings.Aliases?.length ? ["network-scoped alias is supported only for containers in user defined networks"] : []),
  ];
  if (faults.length > 0) throw new BerthError("network/bad-address", `invalid endpoint settings:\n${faults.join("\n")}`);
}

export async function disconnectNetwork(parts: Parts, record: ContainerRecord, ref: string): Promise<void> {
  const network = parts.networks.get(ref);
  if (network.Name === "host" && record.HostConfig.NetworkMode === "host")
    throw new BerthError(
      "container/bad-config",
      "cannot disconnect container from host network - container was created in host network mode",
    );
  if (!record.NetworkSettings.Networks[network.Name])
    throw new BerthError("system/internal", `container ${record.Id} is not connected to network ${network.Name}`);
  await parts.networks.disconnect(record.Id, network.Id);
  const { [network.Name]: _, ...rest } = record.NetworkSettings.Networks;
  record.NetworkSettings.Networks = rest;
  parts.book.put(record);
  if (record.State.Running) parts.book.emitNetwork("disconnect", record, network);
}

/** The text of a container's /etc/hosts: itself, its neighbours, `extra_hosts` and `links`. */
export function hostsOf({ networks, book }: Parts, record: ContainerRecord): string {
  const links = (record.HostConfig.Links ?? []).flatMap((text) => {
    const { ref, alias } = parseLink(text);
    const other = book.find(ref);
    // Where both are: on another network nothing would answer.
    const address = Object.keys(record.NetworkSettings.Networks)
      .map((name) => other?.NetworkSettings.Networks[name]?.IPAddress)
      .find(Boolean);
    return other && address
      ? [{ address, names: [...new Set([alias, other.Config.Hostname ?? "", other.Name.slice(1)])].filter(Boolean) }]
      : [];
  });
  const ofHost = record.HostConfig.NetworkMode === "host" ? hostsOfHost(record.HostConfig.ExtraHosts ?? []) : undefined;
  if (ofHost !== undefined) return ofHost;
  return networks.hostsFile(record.Id, {
    hostname: record.Config.Hostname ?? "",
    domainname: record.Config.Domainname ?? "",
    extraHosts: record.HostConfig.ExtraHosts ?? [],
    links,
  });
}

/** The text of a container's /etc/resolv.conf. */
export function resolvConfOf({ networks }: Pick<Parts, "networks">, { Id, HostConfig }: ContainerRecord): string {
  return networks.resolvConf(Id, {
    dns: HostConfig.Dns ?? [],
    search: HostConfig.DnsSearch ?? [],
    options: HostConfig.DnsOptions ?? [],
  });
}

/** Brings the hosts file of a running container up to date. */
export function rewriteHosts(parts: Parts, id: string): void {
  const record = parts.book.byId(id);
  if (record?.State.Running && hasOwnNetwork(record)) parts.runtime.rewriteHosts(id, hostsOf(parts, record), withNamesOf);
}
