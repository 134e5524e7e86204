import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { Container, EndpointSettings, Network, NetworkCreateBody } from "../api/index.ts";
import { BerthError, messageOf, readJsonFile, run, writeFileAtomic } from "../system/index.ts";
import { DnsServer } from "./dns.ts";
import { hostsFile, resolvConf } from "./hosts-file.ts";
import {
  addLinks,
  createBridges,
  createNamespaces,
  defaultMtu,
  deleteBridges,
  deleteNamespaces,
  type LinkPlan,
  linkExists,
  namespacePath,
} from "./links.ts";
import { PortHolder } from "./port-holder.ts";
import { dropRuleset, type PublishedPort, ruleset } from "./ruleset.ts";
import { contains, formatAddress, formatSubnet, freeAddress, freeSubnet, parseAddress, parseSubnet, type Subnet } from "./subnet.ts";

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

/** What is stored of an attached container: enough to set the kernel and the rules right again after a kill. */
interface Sandbox {
  containerId: string;
  name: string;
  attached: boolean;
  endpoints: Record<
    string,
    { networkId: string; outer: string; inner: string; mac: string; address: string; address6: string; names: string[] }
  >;
  published: PublishedPort[];
}

interface StoredNetwork {
  network: Network;
  link: string;
}

/**
 * The networks of one engine: records below `<root>/networks`, sandboxes (what each container has) below `<root>/sandboxes`; bridges, namespaces and rules in the kernel.
 * Invariants: an address belongs to one container until `release`; the rule set is always written whole, from the records, in one transaction;
 * every name in the kernel carries the instance, so that engines do not meet.
 */
export class Networks {
  readonly #o: { root: string; run: string; instance: string; log: Logger };
  readonly #networks = new Map<string, StoredNetwork>();
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #holders = new Map<string, PortHolder[]>();
  readonly #dns = new Map<string, DnsServer>();
  #namesChanged: (containerIds: readonly string[]) => void = () => {};
  /** Work on the kernel is done one batch after the other. */
  #queue: Promise<unknown> = Promise.resolve();
  #upstream: readonly string[] = [];

  constructor(o: { root: string; run: string; instance: string; log: Logger }) {
    this.#o = o;
    for (const name of ["networks", "sandboxes"]) mkdirSync(join(o.root, name), { recursive: true, mode: 0o700 });
  }

  get #table(): string {
    return `berth-${this.#o.instance}`;
  }

  /** Reads the records and sets right again what a killed engine left: rules, ports, names. Returns the records that could not be read (moved aside). */
  async open(): Promise<string[]> {
    const bad: string[] = [];
    for (const stored of this.#readAll<StoredNetwork>("networks", bad)) this.#networks.set(stored.network.Id, stored);
    for (const sandbox of this.#readAll<Sandbox>("sandboxes", bad)) this.#sandboxes.set(sandbox.containerId, sandbox);
    for (const [name, driver] of [
      ["host", "host"],
      ["none", "null"],
    ] as const)
      if (!this.find(name)) this.#store({ network: predefined(name, driver), link: "" });
    this.#upstream = hostServers();
    const used = [...this.#networks.values()].filter((stored) => stored.link && linkExists(stored.link));
    for (const stored of used) await this.#serveNames(stored);
    for (const sandbox of this.#sandboxes.values()) {
      // After a reboot the namespace is gone, and with it what was published.
      if (sandbox.attached && !existsSync(namespacePath(this.#namespace(sandbox.containerId)))) sandbox.attached = false;
      if (sandbox.attached)
        await this.#hold(sandbox).catch((error: unknown) =>
          this.#o.log.warn(
            { container: sandbox.name, err: messageOf(error), effect: "only the kernel's translation answers" },
            "a published port could not be held again",
          ),
        );
    }
    if (used.length > 0) await this.#applyRules();
    return bad;
  }

  onNamesChanged(tell: (containerIds: readonly string[]) => void): void {
    this.#namesChanged = tell;
  }

  list(): Network[] {
    return [...this.#networks.values()].map((stored) => stored.network);
  }

  /** By name, id or unique prefix of the id. */
  find(ref: string): Network | undefined {
    if (ref === "bridge" || ref === "default") this.#ensureDefault();
    return this.#find(ref)?.network;
  }
  #find(ref: string): StoredNetwork | undefined {
    const name = ref === "default" ? "bridge" : ref;
    const all = [...this.#networks.values()];
    const exact = this.#networks.get(name) ?? all.find((stored) => stored.network.Name === name);
    if (exact) return exact;
    const byPrefix = /^[0-9a-f]{4,}$/.test(name) ? all.filter((stored) => stored.network.Id.startsWith(name)) : [];
    return byPrefix.length === 1 ? byPrefix[0] : undefined;
  }
  /** @throws BerthError network/not-found */
  get(ref: string): Network {
    const found = this.find(ref);
    if (!found) throw new BerthError("network/not-found", `network ${ref} not found`);
    return found;
  }

  #ensureDefault(): void {
    if (this.#find("bridge")) return;
    this.#create({ Name: "bridge", Driver: "bridge", Options: { "com.docker.network.bridge.default_bridge": "true" } });
  }

  create(body: NetworkCreateBody): Network {
    if (["host", "none", "bridge", "default"].includes(body.Name))
      throw new BerthError("network/forbidden", `operation is not permitted on predefined ${body.Name} network`);
    if (!body.Name?.trim()) throw new BerthError("network/bad-option", "network name cannot be empty");
    if (this.#find(body.Name)?.network.Name === body.Name)
      throw new BerthError("network/exists", `network with name ${body.Name} already exists`);
    return this.#create(body);
  }

  #create(body: NetworkCreateBody): Network {
    const driver = body.Driver || "bridge";
    if (driver !== "bridge")
      throw new BerthError("network/unknown-driver", `plugin "${driver}" not found`, { hint: "Berth makes bridge networks." });
    const asked = body.IPAM?.Config ?? [];
    const config: { Subnet: string; Gateway: string; IPRange?: string; AuxiliaryAddresses?: Record<string, string> }[] = [];
    const taken = this.#takenSubnets();
    for (const entry of asked) {
      if (!entry.Subnet) continue;
      const subnet = parseSubnet(entry.Subnet);
      const clash = [...this.#networks.values()].find((stored) =>
        stored.network.IPAM.Config.some((other) => other.Subnet && overlaps(parseSubnet(other.Subnet), subnet)),
      );
      if (clash)
        throw new BerthError(
          "network/subnet-taken",
          `Pool overlaps with other one on this address space: ${formatSubnet(subnet)} is part of network ${clash.network.Name}`,
          { hint: "Choose another subnet." },
        );
      const gateway = entry.Gateway ?? formatAddress(subnet.base + 1n, subnet.bits);
      if (!contains(subnet, parseAddress(gateway)))
        throw new BerthError("network/bad-address", `no matching subnet for gateway ${gateway}`);
      config.push({
        Subnet: formatSubnet(subnet),
        Gateway: gateway,
        ...(entry.IPRange ? { IPRange: entry.IPRange } : {}),
        ...(entry.AuxiliaryAddresses ? { AuxiliaryAddresses: entry.AuxiliaryAddresses } : {}),
      });
    }
    if (body.EnableIPv4 !== false && !config.some((entry) => !entry.Subnet.includes(":"))) {
      const subnet = freeSubnet(taken);
      config.unshift({ Subnet: formatSubnet(subnet), Gateway: formatAddress(subnet.base + 1n, 32) });
    }
    if (body.EnableIPv6 && !config.some((entry) => entry.Subnet.includes(":"))) {
      // RFC 4193: a random unique local prefix.
      const subnet = parseSubnet(
        `fd${randomBytes(1).toString("hex")}:${randomBytes(2).toString("hex")}:${randomBytes(2).toString("hex")}::/64`,
      );
      config.push({ Subnet: formatSubnet(subnet), Gateway: formatAddress(subnet.base + 1n, 128) });
    }
    const id = randomBytes(32).toString("hex");
    const network: Network = {
      Name: body.Name,
      Id: id,
      Created: new Date().toISOString(),
      Scope: "local",
      Driver: "bridge",
      EnableIPv4: body.EnableIPv4 !== false,
      EnableIPv6: body.EnableIPv6 === true,
      IPAM: { Driver: body.IPAM?.Driver || "default", Options: body.IPAM?.Options ?? null, Config: config },
      Internal: body.Internal === true,
      Attachable: body.Attachable === true,
      Ingress: false,
      ConfigFrom: { Network: "" },
      ConfigOnly: false,
      Options: body.Options ?? {},
      Labels: body.Labels ?? {},
    };
    this.#store({ network, link: body.Options?.["com.docker.network.bridge.name"] ?? `br-${id.slice(0, 12)}` });
    return network;
  }

  /** @throws BerthError network/in-use, network/forbidden */
  async remove(ref: string): Promise<Network> {
    const network = this.get(ref);
    if (["bridge", "host", "none"].includes(network.Name))
      throw new BerthError("network/forbidden", `${network.Name} is a pre-defined network and cannot be removed`);
    const users = [...this.#sandboxes.values()].filter((sandbox) => sandbox.attached && sandbox.endpoints[network.Id]);
    if (users.length > 0) {
      throw new BerthError(
        "network/in-use",
        `error while removing network: network ${network.Name} id ${network.Id} has active endpoints (${users.map((user) => `name:"${user.name}"`).join(" ")})`,
        {
          hint: "Stop or disconnect these containers first.",
        },
      );
    }
    return this.#serial(async () => {
      const stored = this.#networks.get(network.Id);
      this.#networks.delete(network.Id);
      this.#dns.get(network.Id)?.close();
      this.#dns.delete(network.Id);
      if (stored && linkExists(stored.link)) {
        await this.#applyRules();
        await deleteBridges([stored.link]);
      }
      rmSync(join(this.#o.root, "networks", `${network.Id}.json`), { force: true });
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
        const prepared = requests.map((request) => ({ request, ...this.#prepare(request) }));
        for (const { sandbox } of prepared) done.push(sandbox);
        await this.#bringUp(prepared.flatMap(({ sandbox }) => Object.keys(sandbox.endpoints)));
        await createNamespaces(prepared.map(({ sandbox, links }) => ({ name: this.#namespace(sandbox.containerId), links })));
        for (const { sandbox, request } of prepared) await this.#publish(sandbox, request);
        for (const { sandbox } of prepared) {
          sandbox.attached = true;
          this.#storeSandbox(sandbox);
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
      const sandboxes = containerIds.flatMap((id) => this.#sandboxes.get(id) ?? []).filter((sandbox) => sandbox.attached);
      if (sandboxes.length === 0) return;
      const hadPorts = sandboxes.some((sandbox) => sandbox.published.length > 0);
      for (const sandbox of sandboxes) {
        sandbox.attached = false;
        sandbox.published = [];
        this.#letGo(sandbox.containerId);
        this.#storeSandbox(sandbox);
      }
      if (hadPorts) await this.#applyRules();
      await deleteNamespaces(
        sandboxes.map((sandbox) => ({
          name: this.#namespace(sandbox.containerId),
          outers: Object.values(sandbox.endpoints).map((endpoint) => endpoint.outer),
        })),
      );
      this.#tell(sandboxes);
    });
  }

  async release(containerId: string): Promise<void> {
    await this.detach([containerId]);
    this.#sandboxes.delete(containerId);
    rmSync(join(this.#o.root, "sandboxes", `${containerId}.json`), { force: true });
  }

  /** One more network for a container; into its running namespace where there is one. */
  connect(containerId: string, name: string, ref: string, settings: EndpointSettings): Promise<EndpointSettings> {
    return this.#serial(async () => {
      const network = this.get(ref);
      const sandbox = this.#sandboxes.get(containerId) ?? { containerId, name, attached: false, endpoints: {}, published: [] };
      if (sandbox.endpoints[network.Id] && sandbox.attached)
        throw new BerthError("network/exists", `endpoint with name ${name} already exists in network ${network.Name}`);
      this.#sandboxes.set(containerId, sandbox);
      this.#endpoint(sandbox, network, settings, []);
      if (sandbox.attached) {
        await this.#bringUp([network.Id]);
        await addLinks({ name: this.#namespace(containerId), links: [this.#link(sandbox, network, false)] });
        await this.#applyRules();
        this.#tell([sandbox]);
      }
      this.#storeSandbox(sandbox);
      return this.#settings(sandbox, network, settings);
    });
  }

  disconnect(containerId: string, ref: string): Promise<void> {
    return this.#serial(async () => {
      const network = this.get(ref);
      const sandbox = this.#sandboxes.get(containerId);
      const endpoint = sandbox?.endpoints[network.Id];
      if (!sandbox || !endpoint) return;
      delete sandbox.endpoints[network.Id];
      if (linkExists(endpoint.outer)) await run("ip", ["link", "del", endpoint.outer], { accept: [0, 1] });
      this.#storeSandbox(sandbox);
      this.#tell([sandbox, ...this.#members(network.Id)]);
    });
  }

  hostsFile(
    containerId: string,
    o: {
      hostname: string;
      domainname: string;
      extraHosts: readonly string[];
      links?: readonly { address: string; names: readonly string[] }[];
    },
  ): string {
    const sandbox = this.#sandboxes.get(containerId);
    const endpoints = Object.values(sandbox?.endpoints ?? {});
    const gateway = endpoints
      .map((endpoint) => this.#networks.get(endpoint.networkId)?.network.IPAM.Config.find((entry) => !entry.Subnet?.includes(":"))?.Gateway)
      .find(Boolean);
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
          .filter((endpoint) => this.#hasNames(endpoint.networkId))
          .flatMap((endpoint) => this.#members(endpoint.networkId).flatMap((other) => named(other, endpoint.networkId))),
      ],
    });
  }

  resolvConf(containerId: string, o: { dns: readonly string[]; search: readonly string[]; options: readonly string[] }): string {
    const ids = Object.keys(this.#sandboxes.get(containerId)?.endpoints ?? {});
    const gateways = ids.filter((id) => this.#dns.has(id)).map((id) => this.#networks.get(id)?.network.IPAM.Config[0]?.Gateway ?? "");
    return resolvConf({ gateways: gateways.filter(Boolean), host: readFileSync("/etc/resolv.conf", "utf8"), ...o });
  }

  /** The containers of a network as its inspection shows them. */
  containersOf(networkId: string): NonNullable<Network["Containers"]> {
    const prefix = (family: (entry: string) => boolean) =>
      this.#networks
        .get(networkId)
        ?.network.IPAM.Config.find((entry) => entry.Subnet && family(entry.Subnet))
        ?.Subnet?.split("/")[1] ?? "0";
    return Object.fromEntries(
      this.#members(networkId).map((sandbox) => {
        const endpoint = sandbox.endpoints[networkId];
        return [
          sandbox.containerId,
          {
            Name: sandbox.name,
            EndpointID: sandbox.containerId.slice(0, 32) + networkId.slice(0, 32),
            MacAddress: endpoint?.mac ?? "",
            IPv4Address: endpoint?.address ? `${endpoint.address}/${prefix((subnet) => !subnet.includes(":"))}` : "",
            IPv6Address: endpoint?.address6 ? `${endpoint.address6}/${prefix((subnet) => subnet.includes(":"))}` : "",
          },
        ];
      }),
    );
  }

  /** Stops answering names and holding ports; containers, rules and bridges stay. */
  async close(): Promise<void> {
    await this.#queue.catch(() => {});
    for (const server of this.#dns.values()) server.close();
    for (const id of [...this.#holders.keys()]) this.#letGo(id);
    // Nothing that needs the kernel is left: then nothing of ours is in it.
    if (![...this.#sandboxes.values()].some((sandbox) => sandbox.attached)) {
      const links = [...this.#networks.values()].map((stored) => stored.link).filter((link) => link && linkExists(link));
      if (links.length > 0) {
        await deleteBridges(links);
        await run("nft", ["-f", "-"], { input: dropRuleset(this.#table) });
      }
    }
  }

  // -- inside

  #prepare(request: AttachRequest): { sandbox: Sandbox; links: LinkPlan[] } {
    const old = this.#sandboxes.get(request.containerId);
    const sandbox: Sandbox = {
      containerId: request.containerId,
      name: request.name,
      attached: false,
      endpoints: old?.endpoints ?? {},
      published: [],
    };
    const wanted = Object.entries(request.endpoints).map(([ref, settings]) => ({ network: this.get(ref), settings }));
    for (const id of Object.keys(sandbox.endpoints)) if (!wanted.some(({ network }) => network.Id === id)) delete sandbox.endpoints[id];
    this.#sandboxes.set(request.containerId, sandbox);
    for (const { network, settings } of wanted)
      this.#endpoint(sandbox, network, settings, [
        request.name,
        ...(network.Name === "bridge" ? [] : [request.containerId.slice(0, 12), request.hostname]),
      ]);
    // The default route is the network's with the highest priority, then the first by name; never an internal one's (Docker's rule).
    const route = [...wanted]
      .filter(({ network }) => !network.Internal)
      .sort((a, b) => (b.settings.GwPriority ?? 0) - (a.settings.GwPriority ?? 0) || (a.network.Name < b.network.Name ? -1 : 1))[0];
    return { sandbox, links: wanted.map(({ network }) => this.#link(sandbox, network, network === route?.network)) };
  }

  /** Reserves addresses; an endpoint that exists keeps its own. */
  #endpoint(sandbox: Sandbox, network: Network, settings: EndpointSettings, names: readonly string[]): void {
    const old = sandbox.endpoints[network.Id];
    const pick = (v6: boolean, asked: string | undefined, kept: string | undefined) => {
      const entry = network.IPAM.Config.find((config) => config.Subnet?.includes(":") === v6);
      if (!entry?.Subnet) {
        if (asked)
          throw new BerthError("network/bad-address", `network ${network.Name} has no IPv${v6 ? 6 : 4} subnet for the address ${asked}`);
        return "";
      }
      const subnet = parseSubnet(entry.Subnet);
      const taken = new Map(
        [...this.#sandboxes.values()]
          .filter((other) => other !== sandbox && other.containerId !== sandbox.containerId)
          .flatMap((other) => {
            const address = v6 ? other.endpoints[network.Id]?.address6 : other.endpoints[network.Id]?.address;
            return address ? [[parseAddress(address), other.name] as const] : [];
          }),
      );
      if (asked) {
        const address = parseAddress(asked);
        if (!contains(subnet, address))
          throw new BerthError(
            "network/bad-address",
            `invalid config for network ${network.Name}: the address ${asked} is not in its subnet ${entry.Subnet}`,
          );
        const holder = taken.get(address);
        if (holder)
          throw new BerthError("network/address-taken", `Address already in use: ${asked} on network ${network.Name} is ${holder}'s`);
        return asked;
      }
      if (kept && contains(subnet, parseAddress(kept)) && !taken.has(parseAddress(kept))) return kept;
      const reserved = new Set([
        ...taken.keys(),
        ...(entry.Gateway ? [parseAddress(entry.Gateway)] : []),
        ...Object.values(entry.AuxiliaryAddresses ?? {}).map(parseAddress),
      ]);
      return formatAddress(freeAddress(subnet, entry.IPRange ? parseSubnet(entry.IPRange) : subnet, reserved), subnet.bits);
    };
    const address = pick(false, settings.IPAMConfig?.IPv4Address, old?.address);
    const key = sandbox.containerId.slice(0, 5) + network.Id.slice(0, 5);
    sandbox.endpoints[network.Id] = {
      networkId: network.Id,
      outer: `ve${key}`,
      inner: old?.inner ?? `eth${Object.keys(sandbox.endpoints).filter((id) => id !== network.Id).length}`,
      mac:
        settings.MacAddress ||
        old?.mac ||
        `02:42:${randomBytes(4)
          .toString("hex")
          .replace(/(..)(?=.)/g, "$1:")}`,
      address,
      address6: pick(true, settings.IPAMConfig?.IPv6Address, old?.address6),
      names: [...new Set([...names, ...(settings.Aliases ?? [])])].filter(Boolean),
    };
  }

  #link(sandbox: Sandbox, network: Network, isDefault: boolean): LinkPlan {
    const endpoint = sandbox.endpoints[network.Id];
    const stored = this.#networks.get(network.Id);
    if (!endpoint || !stored) throw new BerthError("network/not-found", `network ${network.Name} not found`);
    const prefix = (address: string) =>
      network.IPAM.Config.find((entry) => entry.Subnet?.includes(":") === address.includes(":"))?.Subnet?.split("/")[1];
    return {
      outer: endpoint.outer,
      bridge: stored.link,
      inner: endpoint.inner,
      mac: endpoint.mac,
      mtu: mtuOf(network),
      addresses: [endpoint.address, endpoint.address6].filter(Boolean).map((address) => `${address}/${prefix(address)}`),
      gateways: isDefault ? network.IPAM.Config.flatMap((entry) => entry.Gateway ?? []) : [],
    };
  }

  async #bringUp(networkIds: readonly string[]): Promise<void> {
    const stored = [...new Set(networkIds)].flatMap((id) => this.#networks.get(id) ?? []).filter(({ link }) => link);
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
    if (this.#dns.has(network.Id) || !gateway || !this.#hasNames(network.Id)) return;
    try {
      const server = await DnsServer.listen(gateway, {
        addresses: (asker, name) => this.#lookup(asker, name),
        nameOf: (asker, address) => this.#reverse(asker, address),
        upstream: () => this.#upstream,
      });
      this.#dns.set(network.Id, server);
    } catch (error) {
      this.#o.log.warn(
        { network: network.Name, err: messageOf(error), effect: "names resolve by the hosts file only" },
        "no DNS on this bridge",
      );
    }
  }

  /** Docker's default bridge has no names. */
  #hasNames(networkId: string): boolean {
    return this.#networks.get(networkId)?.network.Name !== "bridge";
  }

  #askerNetworks(asker: string): string[] {
    return [...this.#sandboxes.values()]
      .filter((sandbox) => sandbox.attached)
      .flatMap((sandbox) =>
        Object.values(sandbox.endpoints).some((endpoint) => endpoint.address === asker || endpoint.address6 === asker)
          ? Object.keys(sandbox.endpoints)
          : [],
      );
  }
  #lookup(asker: string, name: string): string[] | undefined {
    const found = this.#askerNetworks(asker).flatMap((id) =>
      this.#members(id)
        .flatMap((sandbox) => named(sandbox, id))
        .filter((entry) =>
          entry.names.some(
            (known) => known.toLowerCase() === name || `${known}.${this.#networks.get(id)?.network.Name}`.toLowerCase() === name,
          ),
        ),
    );
    return found.length > 0 ? [...new Set(found.map((entry) => entry.address))] : undefined;
  }
  #reverse(asker: string, address: string): string | undefined {
    for (const id of this.#askerNetworks(asker)) {
      const owner = this.#members(id).find((sandbox) => sandbox.endpoints[id]?.address === address);
      if (owner) return `${owner.name}.${this.#networks.get(id)?.network.Name}`;
    }
    return undefined;
  }

  /** Chooses host ports, holds them, and notes what the rules will say. */
  async #publish(sandbox: Sandbox, request: AttachRequest): Promise<void> {
    const bindings = { ...request.ports };
    if (request.publishAll) for (const port of request.exposed) bindings[port] ??= [{}];
    const endpoints = Object.values(sandbox.endpoints);
    const via = endpoints.find((endpoint) => !this.#networks.get(endpoint.networkId)?.network.Internal) ?? endpoints[0];
    if (!via) return;
    for (const [key, list] of Object.entries(bindings)) {
      const [port = "", protocol = "tcp"] = key.split("/");
      if (protocol !== "tcp" && protocol !== "udp")
        throw new BerthError("network/bad-option", `cannot publish ${key}: only tcp and udp are published`);
      for (const binding of list ?? []) {
        const defaultIp = this.#networks.get(via.networkId)?.network.Options["com.docker.network.bridge.host_binding_ipv4"];
        const ips =
          binding.HostIp && binding.HostIp !== ""
            ? [binding.HostIp.replace(/^\[(.*)\]$/, "$1")]
            : defaultIp
              ? [defaultIp]
              : ["0.0.0.0", "::"];
        const [from = 0, to = from] = (binding.HostPort ?? "").split("-").map(Number);
        let chosen = 0;
        for (const hostIp of ips) {
          if (hostIp === "::" && !networkHasIpv6()) continue;
          const target = hostIp.includes(":") && via.address6 ? via.address6 : via.address;
          const holder = await this.#openPort(
            sandbox,
            { hostIp, protocol, address: target, port: Number(port) },
            chosen || from,
            chosen || to,
          );
          chosen = holder.port;
          sandbox.published.push({ hostIp, hostPort: holder.port, protocol, address: target, port: Number(port) });
        }
      }
    }
  }

  async #openPort(sandbox: Sandbox, port: Omit<PublishedPort, "hostPort">, from: number, to: number): Promise<PortHolder> {
    for (let hostPort = from; ; hostPort++) {
      try {
        const holder = await PortHolder.open({ ...port, hostPort });
        this.#holders.set(sandbox.containerId, [...(this.#holders.get(sandbox.containerId) ?? []), holder]);
        return holder;
      } catch (error) {
        if (hostPort >= to) throw this.#nameHolder(error, port.protocol, hostPort);
      }
    }
  }

  /** A port that one of our own containers has is named by the container. */
  #nameHolder(error: unknown, protocol: string, hostPort: number): unknown {
    const other = [...this.#sandboxes.values()].find(
      (sandbox) =>
        sandbox.published.some((port) => port.hostPort === hostPort && port.protocol === protocol) &&
        this.#holders.has(sandbox.containerId),
    );
    if (!other || !(error instanceof BerthError)) return error;
    return new BerthError(
      "network/port-taken",
      `Bind for 0.0.0.0:${hostPort} failed: port is already allocated: container ${other.name} has it`,
      { hint: "Stop that container, or publish another port.", cause: error },
    );
  }

  async #hold(sandbox: Sandbox): Promise<void> {
    for (const port of sandbox.published) {
      const holder = await PortHolder.open(port);
      this.#holders.set(sandbox.containerId, [...(this.#holders.get(sandbox.containerId) ?? []), holder]);
    }
  }
  #letGo(containerId: string): void {
    for (const holder of this.#holders.get(containerId) ?? []) holder.close();
    this.#holders.delete(containerId);
  }

  async #applyRules(): Promise<void> {
    const bridges = [...this.#networks.values()]
      .filter((stored) => stored.link && linkExists(stored.link))
      .map(({ network, link }) => ({
        link,
        subnets: network.IPAM.Config.flatMap((entry) => entry.Subnet ?? []),
        internal: network.Internal,
        masquerade: network.Options["com.docker.network.bridge.enable_ip_masquerade"] !== "false",
        icc: network.Options["com.docker.network.bridge.enable_icc"] !== "false",
      }));
    const ports = [...this.#sandboxes.values()].flatMap((sandbox) => sandbox.published);
    await run("nft", ["-f", "-"], { input: bridges.length > 0 ? ruleset(this.#table, bridges, ports) : dropRuleset(this.#table) });
  }

  async #takeDown(sandbox: Sandbox): Promise<void> {
    this.#letGo(sandbox.containerId);
    sandbox.attached = false;
    sandbox.published = [];
    await deleteNamespaces([
      { name: this.#namespace(sandbox.containerId), outers: Object.values(sandbox.endpoints).map((endpoint) => endpoint.outer) },
    ]).catch((error: unknown) => this.#o.log.warn({ container: sandbox.name, err: messageOf(error) }, "a namespace could not be removed"));
  }

  #result(sandbox: Sandbox, request: AttachRequest): AttachResult {
    const networks: Record<string, EndpointSettings> = {};
    for (const [ref, settings] of Object.entries(request.endpoints)) {
      const network = this.get(ref);
      networks[network.Name] = this.#settings(sandbox, network, settings);
    }
    const ports: AttachResult["ports"] = {};
    for (const key of request.exposed) ports[key] = null;
    for (const port of sandbox.published) {
      const key = `${port.port}/${port.protocol}`;
      ports[key] = [...(ports[key] ?? []), { HostIp: port.hostIp, HostPort: String(port.hostPort) }];
    }
    return { netnsPath: namespacePath(this.#namespace(request.containerId)), networks, ports };
  }

  #settings(sandbox: Sandbox, network: Network, asked: EndpointSettings): EndpointSettings {
    const endpoint = sandbox.endpoints[network.Id];
    const v4 = network.IPAM.Config.find((entry) => !entry.Subnet?.includes(":"));
    const v6 = network.IPAM.Config.find((entry) => entry.Subnet?.includes(":"));
    return {
      ...asked,
      IPAMConfig: asked.IPAMConfig ?? null,
      Links: asked.Links ?? null,
      Aliases: asked.Aliases ?? null,
      DriverOpts: asked.DriverOpts ?? null,
      NetworkID: network.Id,
      EndpointID: sandbox.containerId.slice(0, 32) + network.Id.slice(0, 32),
      MacAddress: endpoint?.mac ?? "",
      Gateway: v4?.Gateway ?? "",
      IPAddress: endpoint?.address ?? "",
      IPPrefixLen: Number(v4?.Subnet?.split("/")[1] ?? 0),
      IPv6Gateway: v6?.Gateway ?? "",
      GlobalIPv6Address: endpoint?.address6 ?? "",
      GlobalIPv6PrefixLen: Number(v6?.Subnet?.split("/")[1] ?? 0),
      DNSNames: endpoint?.names ?? null,
    };
  }

  #members(networkId: string): Sandbox[] {
    return [...this.#sandboxes.values()].filter((sandbox) => sandbox.attached && sandbox.endpoints[networkId]);
  }

  /** Everybody on the networks of these containers gets a new hosts file. */
  #tell(sandboxes: readonly Sandbox[]): void {
    const ids = sandboxes
      .flatMap((sandbox) => Object.keys(sandbox.endpoints))
      .flatMap((id) => this.#members(id).map((member) => member.containerId));
    this.#namesChanged([...new Set(ids)]);
  }

  #takenSubnets(): Subnet[] {
    const own = [...this.#networks.values()].flatMap((stored) =>
      stored.network.IPAM.Config.flatMap((entry) => (entry.Subnet && !entry.Subnet.includes(":") ? [parseSubnet(entry.Subnet)] : [])),
    );
    const host = Object.values(networkInterfaces()).flatMap((list) =>
      (list ?? []).flatMap((entry) => (entry.family === "IPv4" && entry.cidr ? [parseSubnet(entry.cidr)] : [])),
    );
    const routes = readFileSync("/proc/net/route", "utf8")
      .split("\n")
      .slice(1)
      .map((line) => line.split("\t"))
      .filter((fields) => fields[1] && fields[1] !== "00000000")
      .map((fields) => ({
        base: BigInt(Buffer.from(fields[1] ?? "", "hex").readUInt32LE(0)),
        prefix: (
          Number.parseInt(fields[7] ?? "0", 16)
            .toString(2)
            .match(/1/g) ?? []
        ).length,
        bits: 32 as const,
      }));
    return [...own, ...host, ...routes];
  }

  #namespace(containerId: string): string {
    return `berth-${this.#o.instance}-${containerId.slice(0, 12)}`;
  }

  #serial<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#queue.then(work, work);
    this.#queue = next.catch(() => {});
    return next;
  }

  #store(stored: StoredNetwork): void {
    this.#networks.set(stored.network.Id, stored);
    writeFileAtomic(join(this.#o.root, "networks", `${stored.network.Id}.json`), JSON.stringify(stored));
  }
  #storeSandbox(sandbox: Sandbox): void {
    writeFileAtomic(join(this.#o.root, "sandboxes", `${sandbox.containerId}.json`), JSON.stringify(sandbox));
  }

  #readAll<T>(name: string, bad: string[]): T[] {
    const directory = join(this.#o.root, name);
    return readdirSync(directory)
      .filter((file) => file.endsWith(".json"))
      .flatMap((file) => {
        const path = join(directory, file);
        try {
          return [readJsonFile(path) as T]; // written by this class
        } catch {
          const aside = `${path}.corrupt-${Date.now()}`;
          renameSync(path, aside);
          bad.push(aside);
          return [];
        }
      });
  }
}

function named(sandbox: Sandbox, networkId: string): { address: string; names: string[] }[] {
  const endpoint = sandbox.endpoints[networkId];
  return endpoint && endpoint.names.length > 0
    ? [endpoint.address, endpoint.address6].filter(Boolean).map((address) => ({ address, names: endpoint.names }))
    : [];
}

function predefined(name: string, driver: string): Network {
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

function mtuOf(network: Network): number {
  return Number(network.Options["com.docker.network.driver.mtu"]) || defaultMtu();
}

function networkHasIpv6(): boolean {
  return existsSync("/proc/net/if_inet6");
}

function hostServers(): string[] {
  return [...readFileSync("/etc/resolv.conf", "utf8").matchAll(/^nameserver\s+(\S+)/gm)].map((match) => match[1] ?? "");
}

function overlaps(a: Subnet, b: Subnet): boolean {
  return a.bits === b.bits && (contains(a, b.base) || contains(b, a.base));
}
