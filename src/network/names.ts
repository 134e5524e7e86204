import type { DnsZone } from "./dns.ts";
import type { NamedAddress } from "./hosts-file.ts";
import type { NetworkState, Sandbox } from "./network-state.ts";

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

/** The DNS view of the records: a container sees the names of the networks that it is on, each also as `name.network`. */
export function nameZone(state: NetworkState, upstream: readonly string[]): DnsZone {
  const askers = (address: string): Sandbox[] =>
    [...state.sandboxes.values()].filter(
      (sandbox) =>
        sandbox.attached &&
        Object.values(sandbox.endpoints).some((endpoint) => endpoint.address === address || endpoint.address6 === address),
    );
  const networksOf = (address: string): string[] => askers(address).flatMap((sandbox) => Object.keys(sandbox.endpoints));
  const networkName = (id: string) => state.networks.get(id)?.network.Name ?? "";
  return {
    addresses: (asker, name) => {
      const found = networksOf(asker).flatMap((id) =>
        state
          .members(id)
          .flatMap((sandbox) => namesIn(sandbox, id))
          .filter(({ names }) => names.some((known) => [known, `${known}.${networkName(id)}`].some((text) => text.toLowerCase() === name))),
      );
      const linked = askers(asker).flatMap((sandbox) => linksOf(state, sandbox).filter(({ names }) => names.includes(name)));
      const all = [...linked, ...found];
      return all.length > 0 ? [...new Set(all.map((entry) => entry.address))] : undefined;
    },
    nameOf: (asker, address) => {
      for (const id of networksOf(asker)) {
        const owner = state
          .members(id)
          .find((sandbox) => sandbox.endpoints[id]?.address === address || sandbox.endpoints[id]?.address6 === address);
        if (owner) return `${owner.name}.${networkName(id)}`;
      }
      return undefined;
    },
    upstream: () => upstream,
  };
}
