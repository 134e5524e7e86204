import type { DnsView } from "./dns.ts";
import type { Upstream } from "./dns-forward.ts";
import type { NamedAddress } from "./hosts-file.ts";
import type { NetworkState, Sandbox } from "./network-state.ts";
import { formatAddress, parseAddress } from "./subnet.ts";

/** Docker's default bridge has no names; every other network has. */
export function hasNames(state: NetworkState, networkId: string): boolean {
  return state.networks.get(networkId)?.network.Name !== "bridge";
}

/** What a container answers to in a network, a line for each of its addresses. */
export function namesIn(sandbox: Sandbox, networkId: string): NamedAddress[] {
  const endpoint = sandbox.endpoints[networkId];
  if (!endpoint || endpoint.names.length === 0) return [];
  return [endpoint.address, endpoint.address6].filter(Boolean).map((address) => ({ address, names: endpoint.names }));
}

/** What the links of a container add to its names: others of its networks, under names of its own. */
export function linksOf(state: NetworkState, sandbox: Sandbox): NamedAddress[] {
  return Object.entries(sandbox.endpoints).flatMap(([networkId, { links = [] }]) =>
    links.flatMap(({ target, alias }) => {
      const other = state.members(networkId).find(({ name, containerId }) => name === target || containerId.startsWith(target));
      const endpoint = other?.endpoints[networkId];
      return [endpoint?.address, endpoint?.address6].flatMap((address) => (address ? [{ address, names: [alias.toLowerCase()] }] : []));
    }),
  );
}

/** The container that has this address. */
export function ownerOf(state: NetworkState, address: string): Sandbox | undefined {
  return [...state.sandboxes.values()].find(
    (sandbox) =>
      sandbox.attached &&
      Object.values(sandbox.endpoints).some((endpoint) => endpoint.address === address || endpoint.address6 === address),
  );
}

/**
 * The DNS view of the records: a container sees the names of the networks that it is on, each also as `name.network`. Who is only on internal networks gets nothing
 * from outside, not even by way of a question. A `sandbox` that nobody knows sees no names.
 */
export function nameView(state: NetworkState, sandbox: () => Sandbox | undefined, upstream: (of: Sandbox) => readonly Upstream[]): DnsView {
  const networkIds = () => Object.keys(sandbox()?.endpoints ?? {}).filter((id) => hasNames(state, id));
  const networkName = (id: string) => state.networks.get(id)?.network.Name ?? "";
  return {
    addresses: (name) => {
      const asker = sandbox();
      const found = networkIds().flatMap((id) =>
        state
          .members(id)
          .flatMap((member) => namesIn(member, id))
          .filter(({ names }) => names.some((known) => [known, `${known}.${networkName(id)}`].some((text) => text.toLowerCase() === name))),
      );
      const linked = asker ? linksOf(state, asker).filter(({ names }) => names.includes(name)) : [];
      const all = [...linked, ...found];
      return all.length > 0 ? [...new Set(all.map((entry) => entry.address))] : undefined;
    },
    nameOf: (address) => {
      for (const id of networkIds()) {
        const owner = state.members(id).find((member) => {
          const { address: v4, address6: v6 } = member.endpoints[id] ?? {};
          return [v4, v6].some((own) => own && sameAddress(own, address));
        });
        if (owner) return `${owner.name}.${networkName(id)}`;
      }
      return undefined;
    },
    upstream: () => {
      const asker = sandbox();
      const reachesOut = Object.keys(asker?.endpoints ?? {}).some((id) => state.networks.get(id)?.network.Internal === false);
      return asker && reachesOut ? upstream(asker) : [];
    },
  };
}

const sameAddress = (one: string, other: string): boolean => canonical(one) === canonical(other);
const canonical = (address: string): string => formatAddress(parseAddress(address), address.includes(":") ? 128 : 32);
