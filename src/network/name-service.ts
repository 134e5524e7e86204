import { readFileSync } from "node:fs";
import { messageOf } from "../system/index.ts";
import { DnsServer } from "./dns.ts";
import { hostsFile, type NamedAddress, resolvConf } from "./hosts-file.ts";
import { hasNames, linksOf, namesIn, nameZone } from "./names.ts";
import type { NetworkState, StoredNetwork } from "./network-state.ts";

interface Logger {
  warn(data: object, message: string): void;
}

export interface HostsOptions {
  readonly hostname: string;
  readonly domainname: string;
  readonly extraHosts: readonly string[];
  readonly links?: readonly NamedAddress[];
}

/** How containers find each other: the text of their hosts files, and a DNS server on each bridge's gateway. */
export class NameService {
  readonly #state: NetworkState;
  readonly #log: Logger;
  readonly #servers = new Map<string, DnsServer>();

  constructor(state: NetworkState, log: Logger) {
    this.#state = state;
    this.#log = log;
  }

  /** Answers on this network's gateway from now on. Idempotent. Where something else serves DNS on all addresses, names resolve by the hosts files only. */
  async serve({ network }: StoredNetwork): Promise<void> {
    const gateway = network.IPAM.Config[0]?.Gateway;
    if (this.#servers.has(network.Id) || !gateway || !hasNames(this.#state, network.Id)) return;
    try {
      this.#servers.set(network.Id, await DnsServer.listen(gateway, nameZone(this.#state, hostServers())));
    } catch (error) {
      this.#log.warn(
        { network: network.Name, err: messageOf(error), effect: "names resolve by the hosts file only" },
        "no DNS on this bridge",
      );
    }
  }

  stop(networkId: string): void {
    this.#servers.get(networkId)?.close();
    this.#servers.delete(networkId);
  }

  close(): void {
    for (const id of [...this.#servers.keys()]) this.stop(id);
  }

  hostsFile(containerId: string, o: HostsOptions): string {
    const sandbox = this.#state.sandboxes.get(containerId);
    const endpoints = Object.values(sandbox?.endpoints ?? {});
    const gateway = endpoints.map((endpoint) => this.#gatewayOf(endpoint.networkId)).find(Boolean);
    return hostsFile({
      hostname: o.hostname,
      domainname: o.domainname,
      own: endpoints.flatMap((endpoint) => [endpoint.address, endpoint.address6].filter(Boolean)),
      extra: o.extraHosts.map((text) => {
        const at = text.search(/[:=]/);
        const address = text.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
        return { name: text.slice(0, at), address: address === "host-gateway" ? (gateway ?? "127.0.0.1") : address };
      }),
      neighbours: [
        ...(o.links ?? []),
        ...(sandbox ? linksOf(this.#state, sandbox) : []),
        ...endpoints
          .filter((endpoint) => hasNames(this.#state, endpoint.networkId))
          .flatMap(({ networkId }) => this.#state.members(networkId).flatMap((other) => namesIn(other, networkId))),
      ],
    });
  }

  resolvConf(containerId: string, o: { dns: readonly string[]; search: readonly string[]; options: readonly string[] }): string {
    const ids = Object.keys(this.#state.sandboxes.get(containerId)?.endpoints ?? {});
    const gateways = ids.flatMap((id) => (this.#servers.has(id) ? (this.#gatewayOf(id) ?? []) : []));
    return resolvConf({ gateways, host: hostResolvConf(), ...o });
  }

  #gatewayOf(networkId: string): string | undefined {
    return this.#state.networks.get(networkId)?.network.IPAM.Config.find((entry) => !entry.Subnet?.includes(":"))?.Gateway;
  }
}

/** Empty where the machine has none. */
function hostResolvConf(): string {
  try {
    return readFileSync("/etc/resolv.conf", "utf8");
  } catch {
    return "";
  }
}

function hostServers(): string[] {
  return [...hostResolvConf().matchAll(/^nameserver\s+(\S+)/gm)].map((match) => match[1] ?? "");
}
