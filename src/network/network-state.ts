import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Network } from "../api/index.ts";
import { readJsonFile, removeSoon, sweepRemoved, writeFileAtomic } from "../system/index.ts";
import type { ParentLink } from "./parent-options.ts";
import type { PublishedPort } from "./ruleset.ts";

/** One interface of a container: its names in the kernel ("" for the outer end of one that has none, on a macvlan or ipvlan network), its addresses ("" where it has none of that family) and the names it answers to there. */
export interface Endpoint {
  networkId: string;
  outer: string;
  inner: string;
  mac: string;
  address: string;
  address6: string;
  names: string[];
  /** Names that only this container has for others of the network (EndpointSettings.Links). */
  links?: { target: string; alias: string }[];
  /** EndpointSettings.GwPriority */
  priority?: number;
}

/** What is stored of a container's networks: enough to set the kernel and the rules right again after a kill. `endpoints` by network id. */
export interface Sandbox {
  containerId: string;
  name: string;
  attached: boolean;
  endpoints: Record<string, Endpoint>;
  published: PublishedPort[];
  /** DNS servers that it has of its own, instead of the host's. */
  dns?: readonly string[];
}

/**
 * `link`: the bridge's interface; "" for networks without one. `parent`: the host's interface that a macvlan or ipvlan network sends through; `ownParent` where it is
 * made with the network's first container and goes with the network. `chosenHere`: its IPv4 subnet was not asked for, any other would do.
 * `quietGateways`: subnets that somebody asked for without a gateway.
 */
export interface StoredNetwork {
  network: Network;
  link: string;
  parent?: string;
  ownParent?: ParentLink;
  chosenHere?: boolean;
  quietGateways?: readonly string[];
}

/** The records of one engine's networks (`<root>/networks/ID.json`) and sandboxes (`<root>/sandboxes/CONTAINER.json`), in memory and on disk. */
export class NetworkState {
  readonly networks = new Map<string, StoredNetwork>();
  readonly sandboxes = new Map<string, Sandbox>();
  /** Containers whose attachment has begun: what is reserved for them is as good as theirs. */
  readonly attaching = new Set<string>();
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
    for (const name of ["networks", "sandboxes"]) mkdirSync(join(root, name), { recursive: true, mode: 0o700 });
  }

  /** Reads every record; what cannot be read is moved aside, and the new paths are answered. */
  read(): string[] {
    const bad: string[] = [];
    for (const stored of this.#readAll<StoredNetwork>("networks", bad)) this.networks.set(stored.network.Id, stored);
    for (const sandbox of this.#readAll<Sandbox>("sandboxes", bad)) this.sandboxes.set(sandbox.containerId, sandbox);
    return bad;
  }

  putNetwork(stored: StoredNetwork): void {
    this.networks.set(stored.network.Id, stored);
    writeFileAtomic(join(this.#root, "networks", `${stored.network.Id}.json`), JSON.stringify(stored));
  }

  dropNetwork(id: string): void {
    this.networks.delete(id);
    removeSoon(join(this.#root, "networks", `${id}.json`));
  }

  putSandbox(sandbox: Sandbox): void {
    this.sandboxes.set(sandbox.containerId, sandbox);
    writeFileAtomic(join(this.#root, "sandboxes", `${sandbox.containerId}.json`), JSON.stringify(sandbox));
  }

  dropSandbox(containerId: string): void {
    this.sandboxes.delete(containerId);
    removeSoon(join(this.#root, "sandboxes", `${containerId}.json`));
  }

  /** By id, name or unique prefix of the id (at least four digits); "default" is Docker's other name of "bridge". */
  find(ref: string): StoredNetwork | undefined {
    const name = ref === "default" ? "bridge" : ref;
    const all = [...this.networks.values()];
    const exact = this.networks.get(name) ?? all.find((stored) => stored.network.Name === name);
    if (exact) return exact;
    const byPrefix = /^[0-9a-f]{4,}$/.test(name) ? all.filter((stored) => stored.network.Id.startsWith(name)) : [];
    return byPrefix.length === 1 ? byPrefix[0] : undefined;
  }

  /** The containers that are attached to a network now. */
  members(networkId: string): Sandbox[] {
    return [...this.sandboxes.values()].filter((sandbox) => sandbox.attached && sandbox.endpoints[networkId]);
  }

  #readAll<T>(name: string, bad: string[]): T[] {
    const directory = join(this.#root, name);
    sweepRemoved(directory);
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
