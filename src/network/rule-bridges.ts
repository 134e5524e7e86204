import { bridgeOptions } from "./bridge-options.ts";
import type { NetworkState } from "./network-state.ts";
import type { RuleBridge } from "./ruleset.ts";

/** The bridges that the rules are about: those that are there, and those that somebody is about to be on. */
export function ruleBridges(state: NetworkState, exists: (link: string) => boolean): RuleBridge[] {
  return [...state.networks.values()]
    .filter(({ link, network }) => link && (exists(link) || state.members(network.Id).length > 0))
    .map(({ network, link }) => ({
      link,
      subnets: network.IPAM.Config.flatMap((entry) => entry.Subnet ?? []),
      internal: network.Internal,
      ...bridgeOptions(network.Options),
    }));
}
