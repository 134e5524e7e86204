import { existsSync, readFileSync } from "node:fs";
import type { Container, EndpointSettings, Network, NetworkCreateBody } from "../api/index.ts";
import { BerthError, messageOf, run } from "../system/index.ts";
import { DnsServer } from "./dns.ts";
import { endpointSettings, networkContainers } from "./endpoint-view.ts";
import { defaultRoute, linkPlan, mtuOf, reserveEndpoint } from "./endpoints.ts";
import { hostsFile, type NamedAddress, resolvConf } from "./hosts-file.ts";
import {
  addLinks,
  createBridges,
  createNamespaces,
  deleteBridges,
  deleteNamespaces,
  type LinkPlan,
  linkExists,
  namespacePath,
} from "./links.ts";
import { hasNames, namesIn, nameZone } from "./names.ts";
import { defineNetwork, predefinedNetwork } from "./network-definition.ts";
import { type Endpoint, NetworkState, type Sandbox, type StoredNetwork } from "./network-state.ts";
import { PublishedPorts } from "./published-ports.ts";
import { dropRuleset, ruleset } from "./ruleset.ts";

interface Logger {
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
}

export interface AttachRequest {
  readonly containerId: string;
  /** Without "/". */
  readonly name: string;
  readonly hostname: string;
  /** By network name or id. */
  readonly endpoints: Readonly<Record<string, EndpointSettings>>;
  readonly ports: Container["HostConfig"]["PortBindings"];
  readonly exposed: readonly string[];
  readonly publishAll: boolean;
}

export interface AttachResult {
  readonly netnsPath: string;
  readonly networks: Record<string, EndpointSettings>;
  readonly ports: Container["NetworkSettings"]["Ports"];
}

const predefined = ["bridge", "host", "none"];

/**
 * The networks of one engine: records (network-state.ts) below `root`; bridges, namespaces and rules in the kernel.
 * Invariants: an address belongs to one container until `release`; the rule set is always written whole, from the records, in one transaction;
 * every name in the kernel carries the instance, so that engines do not meet.
 */
export class Networks {
  readonly #instance: string;
  readonly #log: Logger;
  readonly #state: NetworkState;
  readonly #ports: PublishedPorts;
  readonly #dns = new Map<string, DnsServer>();
  #namesChanged: (containerIds: readonly string[]) => void = () => {};
  /** Work on the kernel is done one batch after the other. */
  #queue: Promise<unknown> = Promise.resolve();
  #upstream: readonly string[] = [];

  constructor(o: { root: string; instance: string; log: Logger }) {
    this.#instance = o.instance;
    this.#log = o.log;
    this.#state = new NetworkState(o.root);
    this.#ports = new PublishedPorts(() => this.#state.sandboxes.values());
  }

  /** Reads the records and sets right again what a killed engine left: rules, ports, names. Returns the records that could not be read (moved aside). */
  async open(): Promise<string[]> {
    const bad = this.#state.read();
    for (const name of ["host", "none"] as const)
      if (!this.#state.find(name)) this.#state.putNetwork({ network: predefinedNetwork(name), link: "" });
    this.#upstream = hostServers();
    const used = [...this.#state.networks.values()].filter((stored) => stored.link && linkExists(stored.link));
    for (const stored of used) await this.#serveNames(stored);
    for (const sandbox of this.#state.sandboxes.values()) {
      // After a reboot the namespace is gone, and with it what was published.
      if (sandbox.attached && !existsSync(namespacePath(this.#namespace(sandbox.containerId)))) sandbox.attached = false;
      if (sandbox.attached) await this.#holdAgain(sandbox);
    }
    if (used.length > 0) await this.#applyRules();
    return bad;
  }

  onNamesChanged(tell: (containerIds: readonly string[]) => void): void {
    this.#namesChanged = tell;
  }

  list(): Network[] {
    return [...this.#state.networks.values()].map((stored) => stored.network);
  }

  /** By name, id or unique prefix of the id. The default bridge is made when it is first asked for. */
  find(ref: string): Network | undefined {
    if ((ref === "bridge" || ref === "default") && !this.#state.find("bridge"))
      this.#create({ Name: "bridge", Driver: "bridge", Options: { "com.docker.network.bridge.default_bridge": "true" } });
    return this.#state.find(ref)?.network;
  }

  /** @throws BerthError network/not-found */
  get(ref: string): Network {
    const found = this.find(ref);
    if (!found) throw new BerthError("network/not-found", `network ${ref} not found`);
    return found;
  }

  /** @throws BerthError network/exists, network/forbidden, network/bad-option and those of defineNetwork */
  create(body: NetworkCreateBody): Network {
    if (["default", ...predefined].includes(body.Name))
      throw new BerthError("network/forbidden", `operation is not permitted on predefined ${body.Name} network`);
    if (!body.Name?.trim()) throw new BerthError("network/bad-option", "network name cannot be empty");
    if (this.#state.find(body.Name)?.network.Name === body.Name)
      throw new BerthError("network/exists", `network with name ${body.Name} already exists`);
    return this.#create(body);
  }

  #create(body: NetworkCreateBody): Network {
    const network = defineNetwork(body, this.list());
    this.#state.putNetwork({ network, link: body.Options?.["com.docker.network.bridge.name"] ?? `br-${network.Id.slice(0, 12)}` });
    return network;
  }

  /** @throws BerthError network/in-use, network/forbidden */
  async remove(ref: string): Promise<Network> {
    const network = this.get(ref);
    if (predefined.includes(network.Name))
      throw new BerthError("network/forbidden", `${network.Name} is a pre-defined network and cannot be removed`);
    return this.#serial(async () => {
      const users = this.#state.members(network.Id);
      if (users.length > 0)
        throw new BerthError(
          "network/in-use",
          `error while removing network: network ${network.Name} id ${network.Id} has active endpoints (${users.map((user) => `name:"${user.name}"`).join(" ")})`,
          { hint: "Stop or disconnect these containers first." },
        );
      const stored = this.#state.networks.get(network.Id);
      this.#state.dropNetwork(network.Id);
      this.#dns.get(network.Id)?.close();
      this.#dns.delete(network.Id);
      if (stored && linkExists(stored.link)) {
        await deleteBridges([stored.link]);
        await this.#applyRules();
      }
      return network;
    });
  }

  /**
   * Namespaces, interfaces, addresses, names and published ports of all these containers at once: three spawned processes (ip for the bridges that are missing, ip for
   * the outside, nft) and one more `ip` per container for its inside.
   * @throws BerthError network/port-taken, network/bad-address, ...; then nothing of this batch is attached
   */
  attach(requests: readonly AttachRequest[]): Promise<AttachResult[]> {
    return this.#serial(async () => {
      const done: Sandbox[] = [];
      try {
        const prepared = requests.map((request) => {
          const one = { request, ...this.#prepare(request) };
          done.push(one.sandbox);
          return one;
        });
        await this.#bringUp(prepared.flatMap(({ sandbox }) => Object.keys(sandbox.endpoints)));
        await createNamespaces(prepared.map(({ sandbox, links }) => ({ name: this.#namespace(sandbox.containerId), links })));
        for (const { sandbox, request } of prepared) await this.#publish(sandbox, request);
        for (const { sandbox } of prepared) {
          sandbox.attached = true;
          this.#state.putSandbox(sandbox);
        }
        if (prepared.some(({ sandbox }) => Object.keys(sandbox.endpoints).length > 0)) await this.#applyRules();
        this.#tell(prepared.map(({ sandbox }) => sandbox));
        return prepared.map(({ sandbox, request }) => this.#result(sandbox, request));
      } catch (error) {
        for (const sandbox of done) await this.#takeDown(sandbox);
        throw error;
      }
    });
  }

  /** Frees namespaces, ports and rules. Addresses stay reserved until `release`. */
  detach(containerIds: readonly string[]): Promise<void> {
    return this.#serial(async () => {
      const sandboxes = containerIds.flatMap((id) => this.#state.sandboxes.get(id) ?? []).filter((sandbox) => sandbox.attached);
      if (sandboxes.length === 0) return;
      const hadPorts = sandboxes.some((sandbox) => sandbox.published.length > 0);
      for (const sandbox of sandboxes) {
        sandbox.attached = false;
        sandbox.published = [];
        this.#ports.letGo(sandbox.containerId);
        this.#state.putSandbox(sandbox);
      }
      if (hadPorts) await this.#applyRules();
      await deleteNamespaces(sandboxes.map((sandbox) => this.#namespaceOf(sandbox)));
      this.#tell(sandboxes);
    });
  }

  async release(containerId: string): Promise<void> {
    await this.detach([containerId]);
    this.#state.dropSandbox(containerId);
  }

  /** Frees what containers have that nobody knows any more: build steps and creations that a killed engine was at. */
  async releaseAllBut(known: ReadonlySet<string>): Promise<void> {
    const unknown = [...this.#state.sandboxes.keys()].filter((id) => !known.has(id));
    await this.detach(unknown);
    for (const id of unknown) this.#state.dropSandbox(id);
  }

  /** One more network for a container; into its running namespace where there is one. @throws BerthError network/exists, network/bad-address */
  connect(containerId: string, name: string, ref: string, settings: EndpointSettings): Promise<EndpointSettings> {
    return this.#serial(async () => {
      const network = this.get(ref);
      const sandbox = this.#state.sandboxes.get(containerId) ?? { containerId, name, attached: false, endpoints: {}, published: [] };
      if (sandbox.endpoints[network.Id] && sandbox.attached)
        throw new BerthError("network/exists", `endpoint with name ${name} already exists in network ${network.Name}`);
      reserveEndpoint(this.#state, sandbox, network, settings, hasNames(this.#state, network.Id) ? [name, containerId.slice(0, 12)] : []);
      this.#state.putSandbox(sandbox);
      if (sandbox.attached) {
        await this.#bringUp([network.Id]);
        await addLinks({ name: this.#namespace(containerId), links: [this.#link(sandbox, network, false)] });
        await this.#applyRules();
        this.#tell([sandbox]);
      }
      return endpointSettings(sandbox, network, settings);
    });
  }

  /** Takes a network from a container. What was published through it goes on through another of its networks. */
  disconnect(containerId: string, ref: string): Promise<void> {
    return this.#serial(async () => {
      const network = this.get(ref);
      const sandbox = this.#state.sandboxes.get(containerId);
      const endpoint = sandbox?.endpoints[network.Id];
      if (!sandbox || !endpoint) return;
      const before = this.#state.members(network.Id);
      delete sandbox.endpoints[network.Id];
      if (linkExists(endpoint.outer)) await run("ip", ["link", "del", endpoint.outer], { accept: [0, 1] });
      await this.#republish(sandbox, endpoint);
      this.#state.putSandbox(sandbox);
      this.#tell([sandbox, ...before]);
    });
  }

  hostsFile(
    containerId: string,
    o: { hostname: string; domainname: string; extraHosts: readonly string[]; links?: readonly NamedAddress[] },
  ): string {
    const endpoints = Object.values(this.#state.sandboxes.get(containerId)?.endpoints ?? {});
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
        ...endpoints
          .filter((endpoint) => hasNames(this.#state, endpoint.networkId))
          .flatMap(({ networkId }) => this.#state.members(networkId).flatMap((other) => namesIn(other, networkId))),
      ],
    });
  }

  resolvConf(containerId: string, o: { dns: readonly string[]; search: readonly string[]; options: readonly string[] }): string {
    const ids = Object.keys(this.#state.sandboxes.get(containerId)?.endpoints ?? {});
    const gateways = ids.flatMap((id) => (this.#dns.has(id) ? (this.#gatewayOf(id) ?? []) : []));
    return resolvConf({ gateways, host: readFileSync("/etc/resolv.conf", "utf8"), ...o });
  }

  /** The containers of a network as its inspection shows them. */
  containersOf(networkId: string): NonNullable<Network["Containers"]> {
    return networkContainers(this.#state, networkId);
  }

  /** Stops answering names and holding ports; containers, rules and bridges stay. Without containers nothing of ours stays in the kernel. */
  async close(): Promise<void> {
    await this.#queue.catch(() => {});
    for (const server of this.#dns.values()) server.close();
    this.#ports.letGoOfAll();
    if ([...this.#state.sandboxes.values()].some((sandbox) => sandbox.attached)) return;
    const links = [...this.#state.networks.values()].map((stored) => stored.link).filter((link) => link && linkExists(link));
    if (links.length === 0) return;
    await deleteBridges(links);
    await run("nft", ["-f", "-"], { input: dropRuleset(this.#table) });
  }

  // -- inside

  get #table(): string {
    return `berth-${this.#instance}`;
  }

  #namespace(containerId: string): string {
    return `berth-${this.#instance}-${containerId.slice(0, 12)}`;
  }

  #namespaceOf(sandbox: Sandbox): { name: string; outers: string[] } {
    return { name: this.#namespace(sandbox.containerId), outers: Object.values(sandbox.endpoints).map((endpoint) => endpoint.outer) };
  }

  #gatewayOf(networkId: string): string | undefined {
    return this.#state.networks.get(networkId)?.network.IPAM.Config.find((entry) => !entry.Subnet?.includes(":"))?.Gateway;
  }

  #prepare(request: AttachRequest): { sandbox: Sandbox; links: LinkPlan[] } {
    const { containerId, name } = request;
    const endpoints = this.#state.sandboxes.get(containerId)?.endpoints ?? {};
    const sandbox: Sandbox = { containerId, name, attached: false, endpoints, published: [] };
    const wanted = Object.entries(request.endpoints).map(([ref, settings]) => ({ network: this.get(ref), settings }));
    for (const id of Object.keys(endpoints)) if (!wanted.some(({ network }) => network.Id === id)) delete endpoints[id];
    this.#state.sandboxes.set(containerId, sandbox);
    for (const { network, settings } of wanted)
      reserveEndpoint(this.#state, sandbox, network, settings, [
        name,
        ...(hasNames(this.#state, network.Id) ? [containerId.slice(0, 12), request.hostname] : []),
      ]);
    const route = defaultRoute(wanted)?.network;
    return { sandbox, links: wanted.map(({ network }) => this.#link(sandbox, network, network === route)) };
  }

  #link(sandbox: Sandbox, network: Network, isDefault: boolean): LinkPlan {
    const endpoint = sandbox.endpoints[network.Id];
    const stored = this.#state.networks.get(network.Id);
    if (!endpoint || !stored) throw new BerthError("network/not-found", `network ${network.Name} not found`);
    return linkPlan(stored, endpoint, isDefault);
  }

  async #bringUp(networkIds: readonly string[]): Promise<void> {
    const stored = [...new Set(networkIds)].flatMap((id) => this.#state.networks.get(id) ?? []).filter(({ link }) => link);
    await createBridges(
      stored.map(({ network, link }) => ({
        link,
        mtu: mtuOf(network),
        addresses: network.IPAM.Config.flatMap((entry) => (entry.Gateway ? [`${entry.Gateway}/${entry.Subnet?.split("/")[1]}`] : [])),
      })),
    );
    for (const one of stored) await this.#serveNames(one);
  }

  async #serveNames({ network }: StoredNetwork): Promise<void> {
    const gateway = network.IPAM.Config[0]?.Gateway;
    if (this.#dns.has(network.Id) || !gateway || !hasNames(this.#state, network.Id)) return;
    try {
      this.#dns.set(network.Id, await DnsServer.listen(gateway, nameZone(this.#state, this.#upstream)));
    } catch (error) {
      this.#log.warn(
        { network: network.Name, err: messageOf(error), effect: "names resolve by the hosts file only" },
        "no DNS on this bridge",
      );
    }
  }

  async #publish(sandbox: Sandbox, request: AttachRequest): Promise<void> {
    const ports = { ...request.ports };
    if (request.publishAll) for (const port of request.exposed) ports[port] ??= [{}];
    const via = this.#publishesThrough(sandbox);
    if (via) await this.#ports.publish(sandbox, { ports, via, defaultHostIp: this.#defaultHostIp(via) });
  }

  #publishesThrough(sandbox: Sandbox): Endpoint | undefined {
    const endpoints = Object.values(sandbox.endpoints);
    return endpoints.find((endpoint) => !this.#state.networks.get(endpoint.networkId)?.network.Internal) ?? endpoints[0];
  }

  #defaultHostIp(via: Endpoint): string | undefined {
    return this.#state.networks.get(via.networkId)?.network.Options["com.docker.network.bridge.host_binding_ipv4"];
  }

  /** After a disconnection: the ports that led to the address that is gone lead to another one, or end. */
  async #republish(sandbox: Sandbox, gone: Endpoint): Promise<void> {
    if (!sandbox.published.some((port) => port.address === gone.address || port.address === gone.address6)) return;
    this.#ports.letGo(sandbox.containerId);
    const via = this.#publishesThrough(sandbox);
    sandbox.published = via
      ? sandbox.published.map((port) => ({ ...port, address: port.address.includes(":") && via.address6 ? via.address6 : via.address }))
      : [];
    await this.#holdAgain(sandbox);
    await this.#applyRules();
  }

  async #holdAgain(sandbox: Sandbox): Promise<void> {
    try {
      await this.#ports.hold(sandbox);
    } catch (error) {
      this.#log.warn(
        { container: sandbox.name, err: messageOf(error), effect: "only the kernel's translation answers" },
        "a published port could not be held again",
      );
    }
  }

  async #applyRules(): Promise<void> {
    const bridges = [...this.#state.networks.values()]
      .filter((stored) => stored.link && linkExists(stored.link))
      .map(({ network, link }) => ({
        link,
        subnets: network.IPAM.Config.flatMap((entry) => entry.Subnet ?? []),
        internal: network.Internal,
        masquerade: network.Options["com.docker.network.bridge.enable_ip_masquerade"] !== "false",
        icc: network.Options["com.docker.network.bridge.enable_icc"] !== "false",
      }));
    const ports = [...this.#state.sandboxes.values()].flatMap((sandbox) => sandbox.published);
    await run("nft", ["-f", "-"], { input: bridges.length > 0 ? ruleset(this.#table, bridges, ports) : dropRuleset(this.#table) });
  }

  async #takeDown(sandbox: Sandbox): Promise<void> {
    this.#ports.letGo(sandbox.containerId);
    sandbox.attached = false;
    sandbox.published = [];
    await deleteNamespaces([this.#namespaceOf(sandbox)]).catch((error: unknown) =>
      this.#log.warn({ container: sandbox.name, err: messageOf(error) }, "a namespace could not be removed"),
    );
  }

  #result(sandbox: Sandbox, request: AttachRequest): AttachResult {
    const networks: Record<string, EndpointSettings> = {};
    for (const [ref, settings] of Object.entries(request.endpoints)) {
      const network = this.get(ref);
      networks[network.Name] = endpointSettings(sandbox, network, settings);
    }
    const ports: AttachResult["ports"] = {};
    for (const key of request.exposed) ports[key] = null;
    for (const port of sandbox.published) {
      const key = `${port.port}/${port.protocol}`;
      ports[key] = [...(ports[key] ?? []), { HostIp: port.hostIp, HostPort: String(port.hostPort) }];
    }
    return { netnsPath: namespacePath(this.#namespace(request.containerId)), networks, ports };
  }

  /** Everybody on the networks of these containers gets a new hosts file. */
  #tell(sandboxes: readonly Sandbox[]): void {
    const ids = sandboxes
      .flatMap((sandbox) => Object.keys(sandbox.endpoints))
      .flatMap((id) => this.#state.members(id).map((member) => member.containerId));
    this.#namesChanged([...new Set(ids)]);
  }

  #serial<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#queue.then(work, work);
    this.#queue = next.catch(() => {});
    return next;
  }
}

function hostServers(): string[] {
  return [...readFileSync("/etc/resolv.conf", "utf8").matchAll(/^nameserver\s+(\S+)/gm)].map((match) => match[1] ?? "");
}
