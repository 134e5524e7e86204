import { defaultNetwork, defaultRoutes } from "./endpoints.ts";
import { deleteInside, deleteInterfaces, routeBy } from "./links.ts";
import type { NetworkState, Sandbox } from "./network-state.ts";

/**
 * Takes an interface from a container, and its place from the record, which is the caller's to write. The default route may have gone with the interface: then it
 * leads through another one from now on.
 */
export async function unplug(state: NetworkState, sandbox: Sandbox, o: { networkId: string; namespace: string }): Promise<void> {
  const { outer = "", inner = "" } = sandbox.endpoints[o.networkId] ?? {};
  delete sandbox.endpoints[o.networkId];
  if (outer) await deleteInterfaces([outer]);
  else if (inner) await deleteInside(o.namespace, [inner]);
  const network = sandbox.attached ? defaultNetwork(state, sandbox) : undefined;
  const through = network && sandbox.endpoints[network.Id]?.inner;
  if (network && through) await routeBy(o.namespace, through, defaultRoutes(network));
}
