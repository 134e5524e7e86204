import type { Network } from "../api/index.ts";
import { bridgeAddresses, mtuOf } from "./endpoints.ts";
import { createBridges, createParents, linkExists } from "./links.ts";
import type { NameService } from "./name-service.ts";
import type { NetworkState } from "./network-state.ts";
import { hostSubnets, settledSubnet } from "./subnet-conflict.ts";

interface HostSideOptions {
  readonly state: NetworkState;
  readonly names: NameService;
  readonly log: { warn(data: object, message: string): void };
  readonly get: (ref: string) => Network;
}

/** What networks have on the host itself, a bridge or a parent: made when the first container comes. */
export class HostSide {
  readonly #o: HostSideOptions;

  constructor(o: HostSideOptions) {
    this.#o = o;
  }

  /** A bridge that is not there yet may find its subnet in use on the host. @throws BerthError network/subnet-taken */
  settle(refs: readonly string[]): void {
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

  /** Makes what is not there yet, and answers names on it. Spawns one `ip` for all bridges that are missing. */
  async bringUp(networkIds: readonly string[]): Promise<void> {
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
}
