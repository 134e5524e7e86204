import { existsSync } from "node:fs";
import type { Container, EndpointSettings, Network } from "../api/index.ts";
import { BerthError, messageOf } from "../system/index.ts";
import { type AttachRequest, type PlannedAttachment, planAttachment, plannedLink } from "./attachment-plan.ts";
import { Batches } from "./batches.ts";
import { ContainerPorts } from "./container-ports.ts";
import { Departures, departureOf, placesOf } from "./departures.ts";
import { endpointSettings, networkSettings } from "./endpoint-view.ts";
import { checkAskedAddresses, reserveEndpoint } from "./endpoints.ts";
import type { Firewall } from "./firewall.ts";
import { HostSide } from "./host-side.ts";
import { createNamespaces, deleteNamespaces, linkExists, makeNamespaces } from "./links.ts";
import type { NameService } from "./name-service.ts";
import { hasNames } from "./names.ts";
import { namespacePath, namespaces } from "./net-namespace.ts";
import type { NetworkState, Sandbox } from "./network-state.ts";
import type { PublishedPorts } from "./published-ports.ts";
import { ruleBridges } from "./rule-bridges.ts";
import { unplug } from "./unplug.ts";
import { ready, wire } from "./wiring.ts";

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
  readonly #hostSide: HostSide;
  readonly #ports: ContainerPorts;
  readonly #wiring: Promise<unknown>[] = [];

  constructor(o: AttachmentsOptions) {
    this.#o = o;
    this.#hostSide = new HostSide(o);
    this.#ports = new ContainerPorts(o);
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
      await this.#ports.holdAgain(sandbox);
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
      this.#hostSide.settle([ref]);
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
        await this.#hostSide.bringUp([network.Id]);
        await createNamespaces([{ name: this.#namespace(containerId), links: [plannedLink(state, sandbox, network, settings)] }]);
        await this.applyRules();
      } catch (error) {
        await unplug(state, sandbox, { networkId: network.Id, namespace: this.#namespace(containerId) }).catch(() => {}); // the first error is the reason
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
      await unplug(state, sandbox, { networkId: network.Id, namespace: this.#namespace(containerId) });
      if (await this.#ports.republish(sandbox, endpoint)) await this.applyRules();
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
      this.#hostSide.settle(requests.flatMap((request) => Object.keys(request.endpoints)));
      const prepared = requests.map((request) => {
        const one = planAttachment(state, get, request);
        done.push(one.sandbox);
        return one;
      });
      const places = done.flatMap(placesOf);
      if (this.#departures.isInTheWay([...state.attaching], places)) await this.#departures.clear();
      for (const { sandbox, request } of prepared) await this.#ports.publish(sandbox, request);
      for (const { sandbox } of prepared) sandbox.attached = true;
      makeNamespaces(prepared.map(({ sandbox }) => this.#namespace(sandbox.containerId)));
      await this.#hostSide.bringUp(prepared.flatMap(({ sandbox }) => Object.keys(sandbox.endpoints)));
      for (const { sandbox } of prepared) state.putSandbox(sandbox);
      this.#tell(prepared.map(({ sandbox }) => sandbox));
      const wired = wire(prepared, {
        together: (some) => this.#wireTogether(some),
        undo: ({ sandbox }) => this.#takeDown([sandbox]),
      });
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

  /** Puts interfaces into the namespaces of these in one batch, and lets the rules follow beside that. */
  async #wireTogether(some: readonly PlannedAttachment[]): Promise<void> {
    const work = await Promise.allSettled([
      some.some(({ links }) => links.length > 0) ? this.applyRules() : undefined,
      createNamespaces(some.map(({ sandbox, links }) => ({ name: this.#namespace(sandbox.containerId), links }))).then(() =>
        Promise.all(some.map(({ sandbox }) => this.#o.names.serveInside(sandbox))),
      ),
    ]);
    for (const part of work) if (part.status === "rejected") throw part.reason;
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

  /** Everybody on the networks of these containers gets a new hosts file. */
  #tell(sandboxes: readonly Sandbox[]): void {
    this.#tellNetworks(sandboxes.flatMap((sandbox) => Object.keys(sandbox.endpoints)));
  }

  #tellNetworks(ids: readonly string[]): void {
    const members = [...new Set(ids)].flatMap((id) => this.#o.state.members(id).map((member) => member.containerId));
    this.#o.namesChanged([...new Set(members)]);
  }
}
