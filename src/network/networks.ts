import type { EndpointSettings, Network, NetworkCreateBody } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import type { AttachRequest } from "./attachment-plan.ts";
import { Attachments, type AttachResult } from "./attachments.ts";
import { bridgeOptions } from "./bridge-options.ts";
import { withConfigFrom } from "./config-network.ts";
import { networkContainers, shownNetwork } from "./endpoint-view.ts";
import { Firewall } from "./firewall.ts";
import { deleteInterfaces, linkExists } from "./links.ts";
import { type HostsOptions, NameService } from "./name-service.ts";
import { defineNetwork, predefinedNetwork } from "./network-definition.ts";
import { NetworkState, type StoredNetwork } from "./network-state.ts";
import { isParentDriver, missingParent, parentOptions } from "./parent-options.ts";
import { PublishedPorts } from "./published-ports.ts";
import type { ResolvConfOverrides } from "./resolv-conf.ts";

interface Logger {
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
}

const predefined = ["bridge", "host", "none"];

/**
 * The networks of one engine: records (network-state.ts) below `root`; bridges, namespaces and rules in the kernel.
 * Invariants: an address belongs to one container, until `release` or, where it does not run, until another asks for that very one; the rule set is always written whole, from the records, in one transaction;
 * every name in the kernel carries the instance, so that engines do not meet.
 */
export class Networks {
  readonly #state: NetworkState;
  readonly #ports: PublishedPorts;
  readonly #names: NameService;
  readonly #firewall: Firewall;
  readonly #attachments: Attachments;
  #namesChanged: (containerIds: readonly string[]) => void = () => {};
  /** Work on the kernel is done one batch after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(o: { root: string; instance: string; log: Logger }) {
    const turn = <T>(work: () => Promise<T>) => this.#serial(work);
    this.#state = new NetworkState(o.root);
    this.#ports = new PublishedPorts(() => this.#state.sandboxes.values());
    const namespaceOf = (containerId: string) => `berth-${o.instance}-${containerId.slice(0, 12)}`;
    this.#names = new NameService({ state: this.#state, log: o.log, namespaceOf });
    this.#firewall = new Firewall({ ...o, turn });
    this.#attachments = new Attachments({
      namespaceOf,
      log: o.log,
      state: this.#state,
      ports: this.#ports,
      names: this.#names,
      firewall: this.#firewall,
      turn,
      get: (ref) => this.get(ref),
      namesChanged: (ids) => this.#namesChanged(ids),
    });
  }

  /** Reads the records and sets right again what a killed engine left. Returns the records that could not be read (moved aside). */
  async open(): Promise<string[]> {
    const bad = this.#state.read();
    for (const name of ["host", "none"] as const)
      if (!this.#state.find(name)) this.#state.putNetwork({ network: predefinedNetwork(name), link: "" });
    await this.#attachments.open();
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

  /** As an inspection shows it. */
  shown(network: Network): Network {
    return shownNetwork(this.#state.networks.get(network.Id), network);
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
    const asked = withConfigFrom(body, this.list()).IPAM?.Config ?? [];
    const quietGateways = asked.flatMap(({ Subnet: subnet, Gateway: gateway }) => (subnet && !gateway ? subnet : []));
    const chosenHere = !asked.some((entry) => entry.Subnet && !entry.Subnet.includes(":"));
    this.#state.putNetwork({ network, chosenHere, quietGateways, ...this.#hostSide(network) });
    return network;
  }

  /** What of the host the network is on. */
  #hostSide(network: Network): Pick<StoredNetwork, "link" | "parent" | "ownParent"> {
    if (!isParentDriver(network.Driver)) return { link: bridgeOptions(network.Options).linkName ?? `br-${network.Id.slice(0, 12)}` };
    const { parent } = parentOptions(network.Driver, network.Options);
    if (!parent) {
      const name = `dm-${network.Id.slice(0, 12)}`;
      return { link: "", parent: name, ownParent: { kind: "dummy", name } };
    }
    const made = [...this.#state.networks.values()].find(({ ownParent }) => ownParent?.name === parent)?.ownParent;
    const ownParent = made ?? (linkExists(parent) ? undefined : missingParent(parent, linkExists));
    return { link: "", parent, ...(ownParent ? { ownParent } : {}) };
  }

  /** @throws BerthError network/in-use, network/forbidden */
  async remove(ref: string): Promise<Network> {
    const network = this.get(ref);
    if (predefined.includes(network.Name))
      throw new BerthError("network/forbidden", `${network.Name} is a pre-defined network and cannot be removed`);
    if (network.ConfigOnly && this.list().some((other) => other.ConfigFrom.Network === network.Name))
      throw new BerthError("network/in-use", `configuration network "${network.Name}" is in use`);
    const stored = await this.#serial(async () => {
      const users = this.#state.members(network.Id);
      if (users.length > 0)
        throw new BerthError(
          "network/in-use",
          `error while removing network: network ${network.Name} has active endpoints (${users.map((user) => `name:"${user.name}" id:"${user.containerId.slice(0, 12)}"`).join(", ")})`,
          { hint: "Stop or disconnect these containers first." },
        );
      const found = this.#state.networks.get(network.Id);
      this.#state.dropNetwork(network.Id);
      this.#names.stop(network.Id);
      return found;
    });
    // Networks that are removed together go in one step.
    const link = stored?.link || stored?.ownParent?.name || "";
    const isShared = [...this.#state.networks.values()].some(({ parent }) => parent === link);
    if (linkExists(link) && !isShared) await this.#attachments.deleteLink(link);
    return network;
  }

  /**
   * Namespaces, interfaces, addresses, names and published ports of all these containers, together with those of other callers at the same moment.
   * @throws BerthError network/port-taken, network/bad-address, ...; then nothing of these is attached
   */
  attach(requests: readonly AttachRequest[]): Promise<readonly AttachResult[]> {
    return this.#attachments.attach(requests);
  }
  /** Frees namespaces, ports and rules. Addresses stay reserved until `release`. */
  detach(containerIds: readonly string[]): Promise<void> {
    return this.#attachments.detach(containerIds);
  }
  /** The same without waiting: nobody finds the container any more, and what it has in the kernel goes soon, with others'. */
  leave(containerId: string): void {
    this.#attachments.leave(containerId);
  }
  /** Gives its addresses back as well. Does not wait. */
  release(containerId: string): void {
    this.#attachments.release(containerId);
  }

  /** Frees what containers have that nobody knows any more: build steps and creations that a killed engine was at. */
  async releaseAllBut(known: ReadonlySet<string>): Promise<void> {
    const unknown = [...this.#state.sandboxes.keys()].filter((id) => !known.has(id));
    await this.detach(unknown);
    for (const id of unknown) this.#state.dropSandbox(id);
  }

  /** One more network for a container; into its running namespace where there is one. @throws BerthError network/exists, network/bad-address */
  async connect(containerId: string, name: string, ref: string, settings: EndpointSettings): Promise<EndpointSettings> {
    return this.#attachments.connect(containerId, name, ref, settings);
  }
  /** Takes a network from a container. What was published through it goes on through another of its networks. */
  async disconnect(containerId: string, ref: string): Promise<void> {
    await this.#attachments.disconnect(containerId, this.get(ref));
  }

  /** A container's name as its neighbours find it. */
  rename(containerId: string, name: string): void {
    this.#attachments.rename(containerId, name);
  }

  hostsFile(containerId: string, o: HostsOptions): string {
    return this.#names.hostsFile(containerId, o);
  }
  resolvConf(containerId: string, o: ResolvConfOverrides): string {
    return this.#names.resolvConf(containerId, o);
  }

  /** The containers of a network as its inspection shows them. */
  containersOf(networkId: string): NonNullable<Network["Containers"]> {
    return networkContainers(this.#state, networkId);
  }

  /** Stops answering names and holding ports; containers, rules and bridges stay. Without containers nothing of ours stays in the kernel. */
  async close(): Promise<void> {
    await this.#attachments.settle();
    await this.#queue;
    this.#names.close();
    this.#ports.letGoOfAll();
    this.#firewall.close();
    if ([...this.#state.sandboxes.values()].some((sandbox) => sandbox.attached)) return;
    const links = [...this.#state.networks.values()].map(({ link, ownParent }) => link || ownParent?.name || "").filter(linkExists);
    if (links.length === 0) return;
    await deleteInterfaces(links);
    await this.#firewall.apply([], []);
  }

  #serial<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#queue.then(work, work);
    this.#queue = next.catch(() => {});
    return next;
  }
}
