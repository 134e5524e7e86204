import { messageOf } from "../system/index.ts";
import { DnsServer, type DnsView } from "./dns.ts";
import { bridgeAddresses } from "./endpoints.ts";
import { hostsFile, type NamedAddress } from "./hosts-file.ts";
import { hasNames, linksOf, namesIn, nameView, ownerOf } from "./names.ts";
import type { NetworkState, Sandbox, StoredNetwork } from "./network-state.ts";
import { hostResolvConf, nameservers, type ResolvConfOverrides, resolvConf } from "./resolv-conf.ts";
import { openResolverSockets } from "./resolver-sockets.ts";

interface Logger {
  warn(data: object, message: string): void;
}

export interface HostsOptions {
  readonly hostname: string;
  readonly domainname: string;
  readonly extraHosts: readonly string[];
  readonly links?: readonly NamedAddress[];
}

/**
 * How containers find each other: the text of their hosts files, a DNS server for each container of a network with names, which is in its own network namespace, and
 * one on each such bridge's gateway, for whoever has no 127.0.0.11 (containers within containers).
 */
export class NameService {
  readonly #state: NetworkState;
  readonly #log: Logger;
  readonly #namespaceOf: (containerId: string) => string;
  readonly #servers = new Map<string, DnsServer>();
  readonly #resolvers = new Map<string, DnsServer>();

  constructor(o: { state: NetworkState; log: Logger; namespaceOf: (containerId: string) => string }) {
    this.#state = o.state;
    this.#log = o.log;
    this.#namespaceOf = o.namespaceOf;
  }

  /** Answers on this network's gateway from now on. Idempotent. Where something else serves DNS on all addresses, only the containers' own resolvers answer. */
  async serve({ network }: StoredNetwork): Promise<void> {
    const gateway = bridgeAddresses(network)[0]?.split("/")[0];
    if (this.#servers.has(network.Id) || !gateway || !hasNames(this.#state, network.Id)) return;
    try {
      const server = await DnsServer.listen(gateway, (asker) => {
        const owner = ownerOf(this.#state, asker);
        return this.#viewOf(() => owner);
      });
      this.#servers.set(network.Id, server);
    } catch (error) {
      this.#log.warn(
        { network: network.Name, err: messageOf(error), effect: "containers within containers have no names" },
        "no DNS on this bridge",
      );
    }
  }

  /**
   * Answers at 127.0.0.11 in the namespace of a container that is on a network with names, until it leaves. Idempotent; spawns nothing. Answers whether there is a new
   * server.
   */
  async serveInside({ containerId }: Sandbox): Promise<boolean> {
    const find = () => this.#state.sandboxes.get(containerId);
    const isWanted = () => find()?.attached === true && !this.#resolvers.has(containerId) && this.#hasNames(containerId);
    if (!isWanted()) return false;
    const namespace = this.#namespaceOf(containerId);
    try {
      const sockets = await openResolverSockets(namespace);
      const server = DnsServer.on(sockets, this.#viewOf(find));
      // It may have left meanwhile.
      if (isWanted()) this.#resolvers.set(containerId, server);
      else server.close();
    } catch (error) {
      this.#log.warn(
        { container: containerId, err: messageOf(error), effect: "names resolve by its hosts file only" },
        "no DNS in a container",
      );
    }
    return this.#resolvers.has(containerId);
  }

  leave(containerId: string): void {
    this.#resolvers.get(containerId)?.close();
    this.#resolvers.delete(containerId);
  }

  #hasNames(containerId: string): boolean {
    return Object.keys(this.#state.sandboxes.get(containerId)?.endpoints ?? {}).some((id) => hasNames(this.#state, id));
  }

  /** The host's servers are asked from the host, which may be the only one that reaches them; a container's own from where it is (Docker's rule). */
  #viewOf(sandbox: () => Sandbox | undefined): DnsView {
    return nameView(this.#state, sandbox, ({ containerId, dns = [] }) =>
      dns.length > 0
        ? dns.map((address) => ({ address, namespace: this.#namespaceOf(containerId) }))
        : nameservers(hostResolvConf()).map((address) => ({ address })),
    );
  }

  stop(networkId: string): void {
    this.#servers.get(networkId)?.close();
    this.#servers.delete(networkId);
  }

  close(): void {
    for (const id of [...this.#servers.keys()]) this.stop(id);
    for (const id of [...this.#resolvers.keys()]) this.leave(id);
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

  /** Of a container that has a place here, or of whatever is on the host's network. */
  resolvConf(containerId: string, o: ResolvConfOverrides): string {
    const sandbox = this.#state.sandboxes.get(containerId);
    const kind = !sandbox ? "host" : this.#hasNames(containerId) ? "internal" : "bridge";
    const hasIpv6 = Object.values(sandbox?.endpoints ?? {}).some(({ address6 }) => address6 !== "");
    return resolvConf(kind, hostResolvConf(), { ...o, hasIpv6 });
  }

  #gatewayOf(networkId: string): string | undefined {
    return this.#state.networks.get(networkId)?.network.IPAM.Config.find((entry) => !entry.Subnet?.includes(":"))?.Gateway;
  }
}
