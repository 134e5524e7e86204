import { existsSync } from "node:fs";
import type { Container, EndpointSettings, Network } from "../api/index.ts";
import { BerthError, messageOf } from "../system/index.ts";
import { Batches } from "./batches.ts";
import { bridgeOptions } from "./bridge-options.ts";
import { Departures, departureOf, placesOf } from "./departures.ts";
import { endpointSettings, networkSettings } from "./endpoint-view.ts";
import { bridgeAddresses, checkAskedAddresses, defaultNetwork, defaultRoutes, linkPlan, mtuOf, reserveEndpoint } from "./endpoints.ts";
import type { Firewall } from "./firewall.ts";
import {
  createBridges,
  createNamespaces,
  createParents,
  deleteInside,
  deleteInterfaces,
  deleteNamespaces,
  type LinkPlan,
  linkExists,
  makeNamespaces,
  routeBy,
} from "./links.ts";
import type { NameService } from "./name-service.ts";
import { hasNames } from "./names.ts";
import { namespacePath, namespaces } from "./net-namespace.ts";
import type { Endpoint, NetworkState, Sandbox } from "./network-state.ts";
import type { PublishedPorts } from "./published-ports.ts";
import { ruleBridges } from "./rule-bridges.ts";
import { hostSubnets, settledSubnet } from "./subnet-conflict.ts";

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
  /** DNS servers of its own. */
  readonly dns?: readonly string[];
}

export interface AttachResult {
  readonly netnsPath: string;
  /** Settles when the interfaces are in the namespace and the rules let through what they should; until then nothing may run there. */
  readonly ready: Promise<void>;
  readonly networks: Record<string, EndpointSettings>;
  readonly ports: Container["NetworkSettings"]["Ports"];
}

interface Logger {
  warn(data: object, message: string): void;
}

export interface AttachmentsOptions {
  /** The network namespace of a container, by its name. */
  readonly namespaceOf: (containerId: string) => string;
  readonly log: Logger;
  readonly state: NetworkState;
  readonly ports: PublishedPorts;
  readonly names: NameService;
  readonly firewall: Firewall;
  /** One piece of work on the kernel at a time. */
  readonly turn: <T>(work: () => Promise<T>) => Promise<T>;
  readonly get: (ref: string) => Network;
  readonly namesChanged: (containerIds: readonly string[]) => void;
}

/** The containers on the networks: namespaces, interfaces, addresses, published ports. What many callers want at the same time is done in one batch. */
export class Attachments {
  readonly #o: AttachmentsOptions;
  readonly #attaching: Batches<AttachRequest, AttachResult>;
  readonly #departures: Departures;
  readonly #wiring: Promise<unknown>[] = [];

  constructor(o: AttachmentsOptions) {
    this.#o = o;
    // A turn ends with the interfaces, who waits for an attachment goes on before.
    const turn: typeof o.turn = (work) => o.turn(() => work().finally(() => Promise.all(this.#wiring.splice(0))));
    this.#attaching = new Batches(turn, (requests) => this.#attach(requests));
    this.#departures = new Departures({
      ...o,
      take: async (departed, links) => {
        await Promise.all([
          links.length > 0 || departed.some(({ hadPorts }) => hadPorts) ? this.applyRules() : undefined,
          deleteNamespaces(departed, links),
        ]);
        this.#tellNetworks(departed.flatMap(({ places }) => places.map((place) => place.split(" ")[0] ?? "")));
      },
    });
  }

  /** Sets right again what a killed engine left: rules, ports, names. */
  async open(): Promise<void> {
    const { state, names } = this.#o;
    const used = [...state.networks.values()].filter((stored) => stored.link && linkExists(stored.link));
    for (const stored of used) await names.serve(stored);
    for (const sandbox of state.sandboxes.values()) {
      // After a reboot the namespace is gone, and with it what was published; after an end, too.
      if (!existsSync(namespacePath(this.#namespace(sandbox.containerId)))) Object.assign(sandbox, { attached: false, published: [] });
      if (!sandbox.attached) continue;
      await this.#holdAgain(sandbox);
      await names.serveInside(sandbox);
    }
    if (used.length > 0) await this.applyRules();
    await deleteNamespaces(this.#unknownNamespaces());
  }

  /** @throws BerthError network/port-taken, network/bad-address, ...; then nothing of these requests is attached */
  async attach(requests: readonly AttachRequest[]): Promise<readonly AttachResult[]> {
    return requests.length === 0 ? [] : this.#attaching.do(requests);
  }

  /** Frees namespaces, ports and rules. Addresses stay reserved until `release`. */
  async detach(containerIds: readonly string[]): Promise<void> {
    for (const id of containerIds) this.leave(id);
    await this.settle();
  }

  /** The same without waiting for the kernel: names, ports and networks know the container no more, and what it has in the kernel goes soon. */
  leave(containerId: string): void {
    const { state, ports, names } = this.#o;
    const sandbox = state.sandboxes.get(containerId);
    if (!sandbox?.attached) return;
    const departure = departureOf(sandbox, this.#namespace(containerId));
    // The record is not written: without its namespace it counts as detached, and with it the next engine detaches it.
    sandbox.attached = false;
    sandbox.published = [];
    names.leave(containerId);
    ports.letGo(containerId);
    this.#departures.add(departure);
  }

  /** Settles when nothing is left in the kernel of whoever has left. */
  async settle(): Promise<void> {
    if (!this.#departures.isOver) await this.#o.turn(() => this.#departures.clear());
  }

  /** Deletes the link of a network that nobody is on, with whatever else goes. */
  async deleteLink(link: string): Promise<void> {
    this.#departures.addLink(link);
    await this.settle();
  }

  /** Its neighbours find it by its new name from now on. */
  rename(containerId: string, name: string): void {
    const { state } = this.#o;
    const sandbox = state.sandboxes.get(containerId);
    if (!sandbox) return;
    for (const endpoint of Object.values(sandbox.endpoints))
      endpoint.names = endpoint.names.map((known) => (known === sandbox.name ? name : known));
    state.putSandbox(Object.assign(sandbox, { name }));
    this.#tell([sandbox]);
  }

  release(containerId: string): void {
    this.leave(containerId);
    this.#o.state.dropSandbox(containerId);
  }

  /** One more network for a container; into its running namespace where there is one. @throws BerthError network/exists, network/bad-address */
  connect(containerId: string, name: string, ref: string, settings: EndpointSettings): Promise<EndpointSettings> {
    const { state, turn, get } = this.#o;
    return turn(async () => {
      this.#settle([ref]);
      const network = get(ref);
      const sandbox = state.sandboxes.get(containerId) ?? { containerId, name, attached: false, endpoints: {}, published: [] };
      if (sandbox.endpoints[network.Id] && sandbox.attached)
        throw new BerthError("network/forbidden", `endpoint with name ${name} already exists in network ${network.Name}`);
      if (!sandbox.attached) {
        checkAskedAddresses(network, settings);
        return settings;
      }
      reserveEndpoint(state, sandbox, network, settings, hasNames(state, network.Id) ? [name, containerId.slice(0, 12)] : []);
      try {
        if (this.#departures.isInTheWay([], placesOf(sandbox))) await this.#departures.clear();
        await this.#bringUp([network.Id]);
        const isDefault = defaultNetwork(state, sandbox) === network;
        await createNamespaces([{ name: this.#namespace(containerId), links: [this.#link(sandbox, network, settings, isDefault)] }]);
        await this.applyRules();
      } catch (error) {
        await this.#unplug(sandbox, network.Id).catch(() => {}); // the first error is the reason
        throw error;
      }
      state.putSandbox(sandbox);
      await this.#o.names.serveInside(sandbox);
      this.#tell([sandbox]);
      return endpointSettings(sandbox, network, settings);
    });
  }

  /** Takes a network from a container. What was published through it goes on through another of its networks. */
  disconnect(containerId: string, network: Network): Promise<void> {
    const { state, turn } = this.#o;
    return turn(async () => {
      const sandbox = state.sandboxes.get(containerId);
      const endpoint = sandbox?.endpoints[network.Id];
      if (!sandbox || !endpoint) return;
      const before = state.members(network.Id);
      await this.#unplug(sandbox, network.Id);
      await this.#republish(sandbox, endpoint);
      state.putSandbox(sandbox);
      this.#tell([sandbox, ...before]);
    });
  }

  /** Brings the rules up to the records. Whoever calls has the turn. */
  async applyRules(): Promise<void> {
    const { state, firewall } = this.#o;
    await firewall.apply(
      ruleBridges(state, (link) => linkExists(link)),
      [...state.sandboxes.values()].flatMap((sandbox) => sandbox.published),
    );
  }

  /**
   * Addresses, ports, bridges and empty namespaces; interfaces and rules come beside what the caller does next. Spawns one `ip` for the bridges that are missing, and
   * nft where the rules change; nothing per container.
   */
  async #attach(requests: readonly AttachRequest[]): Promise<AttachResult[]> {
    const { state, get } = this.#o;
    const done: Sandbox[] = [];
    for (const { containerId } of requests) state.attaching.add(containerId);
    try {
      this.#settle(requests.flatMap((request) => Object.keys(request.endpoints)));
      const prepared = requests.map((request) => {
        const one = { request, ...this.#prepare(request) };
        done.push(one.sandbox);
        return one;
      });
      const places = done.flatMap(placesOf);
      if (this.#departures.isInTheWay([...state.attaching], places)) await this.#departures.clear();
      for (const { sandbox, request } of prepared) await this.#publish(sandbox, request);
      for (const { sandbox } of prepared) sandbox.attached = true;
      makeNamespaces(prepared.map(({ sandbox }) => this.#namespace(sandbox.containerId)));
      await this.#bringUp(prepared.flatMap(({ sandbox }) => Object.keys(sandbox.endpoints)));
      for (const { sandbox } of prepared) state.putSandbox(sandbox);
      this.#tell(prepared.map(({ sandbox }) => sandbox));
      const wired = this.#wire(prepared);
      this.#wiring.push(wired);
      return prepared.map(({ sandbox, request }) => ({
        netnsPath: namespacePath(this.#namespace(sandbox.containerId)),
        ready: ready(wired, sandbox.containerId),
        ...networkSettings(sandbox, request, get),
      }));
    } catch (error) {
      await this.#takeDown(done);
      throw error;
    } finally {
      for (const { containerId } of requests) state.attaching.delete(containerId);
    }
  }

  /**
   * Puts interfaces into the namespaces of all, in one batch, and for each alone where that fails, so that nobody fails for another's reason. Answers the errors by
   * container; nothing is attached of those.
   */
  async #wire(prepared: readonly { sandbox: Sandbox; links: readonly LinkPlan[] }[]): Promise<ReadonlyMap<string, unknown>> {
    const errors = new Map<string, unknown>();
    const together = async (some: typeof prepared) => {
      const work = await Promise.allSettled([
        some.some(({ links }) => links.length > 0) ? this.applyRules() : undefined,
        createNamespaces(some.map(({ sandbox, links }) => ({ name: this.#namespace(sandbox.containerId), links }))).then(() =>
          Promise.all(some.map(({ sandbox }) => this.#o.names.serveInside(sandbox))),
        ),
      ]);
      for (const part of work) if (part.status === "rejected") throw part.reason;
    };
    try {
      await together(prepared);
    } catch (error) {
      for (const one of prepared) {
        try {
          if (prepared.length === 1) throw error;
          await together([one]);
        } catch (own) {
          errors.set(one.sandbox.containerId, own);
          await this.#takeDown([one.sandbox]);
        }
      }
    }
    return errors;
  }

  /** After an attach that failed: the kernel and the ports are as before. */
  async #takeDown(sandboxes: readonly Sandbox[]): Promise<void> {
    const { log, ports, names } = this.#o;
    for (const sandbox of sandboxes) {
      names.leave(sandbox.containerId);
      ports.letGo(sandbox.containerId);
      sandbox.attached = false;
      sandbox.published = [];
    }
    for (const undo of [
      () => deleteNamespaces(sandboxes.map((sandbox) => departureOf(sandbox, this.#namespace(sandbox.containerId)))),
      () => this.applyRules(),
    ])
      await undo().catch((error: unknown) => log.warn({ err: messageOf(error) }, "an attachment that failed left something"));
  }

  /** A bridge that is not there yet may find its subnet in use on the host. @throws BerthError network/subnet-taken */
  #settle(refs: readonly string[]): void {
    const { state, log, get } = this.#o;
    const wanted = [...new Set(refs)].flatMap((ref) => state.networks.get(get(ref).Id) ?? []);
    const missing = wanted.filter(({ link }) => link && !linkExists(link));
    if (missing.length === 0) return;
    const host = hostSubnets();
    for (const stored of missing) {
      const others = [...state.networks.values()].filter((other) => other !== stored).map((other) => other.network);
      const network = settledSubnet(stored.network, { chosenHere: stored.chosenHere === true, others, host });
      if (network === stored.network) continue;
      state.putNetwork({ ...stored, network });
      log.warn(
        { network: network.Name, subnets: network.IPAM.Config, effect: "addresses change" },
        "the host uses the network's subnet now",
      );
    }
  }

  #namespace(containerId: string): string {
    return this.#o.namespaceOf(containerId);
  }

  /** Of containers that a killed engine has removed. Their interfaces go with them. */
  #unknownNamespaces(): { namespace: string; outers: string[] }[] {
    const known = new Set([...this.#o.state.sandboxes.keys()].map((id) => this.#namespace(id)));
    return namespaces(this.#namespace(""))
      .filter((name) => !known.has(name))
      .map((namespace) => ({ namespace, outers: [] }));
  }

  #prepare(request: AttachRequest): { sandbox: Sandbox; links: LinkPlan[] } {
    const { state, get } = this.#o;
    const { containerId, name } = request;
    const endpoints = state.sandboxes.get(containerId)?.endpoints ?? {};
    // Interfaces are counted anew.
    for (const endpoint of Object.values(endpoints)) endpoint.inner = "";
    const dns = request.dns?.length ? { dns: request.dns } : {};
    const sandbox: Sandbox = { containerId, name, attached: false, endpoints, published: [], ...dns };
    const wanted = Object.entries(request.endpoints).map(([ref, settings]) => ({ network: get(ref), settings }));
    for (const id of Object.keys(endpoints)) if (!wanted.some(({ network }) => network.Id === id)) delete endpoints[id];
    state.sandboxes.set(containerId, sandbox);
    for (const { network, settings } of wanted)
      reserveEndpoint(state, sandbox, network, settings, [
        name,
        ...(hasNames(state, network.Id) ? [containerId.slice(0, 12), request.hostname] : []),
      ]);
    const route = defaultNetwork(state, sandbox);
    return { sandbox, links: wanted.map(({ network, settings }) => this.#link(sandbox, network, settings, network === route)) };
  }

  #link(sandbox: Sandbox, network: Network, settings: EndpointSettings, isDefault: boolean): LinkPlan {
    const endpoint = sandbox.endpoints[network.Id];
    const stored = this.#o.state.networks.get(network.Id);
    if (!endpoint || !stored) throw new BerthError("network/not-found", `network ${network.Name} not found`);
    return linkPlan(stored, endpoint, settings, isDefault);
  }

  /** Takes an interface from a container; the record is the caller's to write. */
  async #unplug(sandbox: Sandbox, networkId: string): Promise<void> {
    const { outer = "", inner = "" } = sandbox.endpoints[networkId] ?? {};
    delete sandbox.endpoints[networkId];
    if (outer) await deleteInterfaces([outer]);
    else if (inner) await deleteInside(this.#namespace(sandbox.containerId), [inner]);
    await this.#routeAgain(sandbox);
  }

  /** After a disconnection: the default route may have gone with the interface. */
  async #routeAgain(sandbox: Sandbox): Promise<void> {
    const network = sandbox.attached ? defaultNetwork(this.#o.state, sandbox) : undefined;
    const inner = network && sandbox.endpoints[network.Id]?.inner;
    if (network && inner) await routeBy(this.#namespace(sandbox.containerId), inner, defaultRoutes(network));
  }

  async #bringUp(networkIds: readonly string[]): Promise<void> {
    const { state, names } = this.#o;
    const all = [...new Set(networkIds)].flatMap((id) => state.networks.get(id) ?? []);
    await createParents(all.flatMap(({ ownParent }) => ownParent ?? []));
    const stored = all.filter(({ link }) => link);
    await createBridges(
      stored.map(({ network, link }) => ({
        link,
        mtu: mtuOf(network),
        addresses: bridgeAddresses(network),
      })),
    );
    for (const one of stored) await names.serve(one);
  }

  async #publish(sandbox: Sandbox, request: AttachRequest): Promise<void> {
    const ports = { ...request.ports };
    if (request.publishAll) for (const port of request.exposed) ports[port] ??= [{}];
    const via = this.#publishesThrough(sandbox);
    if (!via) return;
    const options = bridgeOptions(this.#o.state.networks.get(via.networkId)?.network.Options ?? {});
    const isRouted = (family: 4 | 6) => (family === 6 ? options.gatewayMode6 : options.gatewayMode4) === "routed";
    await this.#o.ports.publish(sandbox, { ports, via, defaultHostIp: options.hostBinding, isRouted });
  }

  /** Only what is on a bridge that leads out is published (Docker's rule). */
  #publishesThrough(sandbox: Sandbox): Endpoint | undefined {
    return Object.values(sandbox.endpoints).find(({ networkId }) => {
      const stored = this.#o.state.networks.get(networkId);
      return stored?.link && !stored.network.Internal;
    });
  }

  /** After a disconnection: the ports that led to the address that is gone lead to another one, or end. */
  async #republish(sandbox: Sandbox, gone: Endpoint): Promise<void> {
    if (!sandbox.published.some((port) => port.address === gone.address || port.address === gone.address6)) return;
    this.#o.ports.letGo(sandbox.containerId);
    const via = this.#publishesThrough(sandbox);
    sandbox.published = via
      ? sandbox.published.map((port) => ({ ...port, address: port.address.includes(":") && via.address6 ? via.address6 : via.address }))
      : [];
    await this.#holdAgain(sandbox);
    await this.applyRules();
  }

  async #holdAgain(sandbox: Sandbox): Promise<void> {
    try {
      await this.#o.ports.hold(sandbox);
      if (!sandbox.attached) this.#o.ports.letGo(sandbox.containerId); // it has left meanwhile
    } catch (error) {
      this.#o.log.warn(
        { container: sandbox.name, err: messageOf(error), effect: "only the kernel's translation answers" },
        "a published port could not be held again",
      );
    }
  }

  /** Everybody on the networks of these containers gets a new hosts file. */
  #tell(sandboxes: readonly Sandbox[]): void {
    this.#tellNetworks(sandboxes.flatMap((sandbox) => Object.keys(sandbox.endpoints)));
  }

  #tellNetworks(ids: readonly string[]): void {
    const members = [...new Set(ids)].flatMap((id) => this.#o.state.members(id).map((member) => member.containerId));
    this.#o.namesChanged([...new Set(members)]);
  }
}

/** Throws what one container failed for. Who does not get to wait for it has failed otherwise. */
function ready(wired: Promise<ReadonlyMap<string, unknown>>, containerId: string): Promise<void> {
  const own = wired.then((errors) => {
    if (errors.has(containerId)) throw errors.get(containerId);
  });
  own.catch(() => {});
  return own;
}
