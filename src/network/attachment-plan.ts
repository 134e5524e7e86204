import type { Container, EndpointSettings, Network } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { defaultNetwork, linkPlan, reserveEndpoint } from "./endpoints.ts";
import type { LinkPlan } from "./links.ts";
import { hasNames } from "./names.ts";
import type { NetworkState, Sandbox } from "./network-state.ts";

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

/** A container's record with its places reserved, and the interfaces that it is to have. */
export interface PlannedAttachment {
  readonly request: AttachRequest;
  readonly sandbox: Sandbox;
  readonly links: readonly LinkPlan[];
}

/**
 * Reserves what a container asks for in the records; nothing in the kernel changes.
 * @throws BerthError network/not-found, and those of reserveEndpoint
 */
export function planAttachment(state: NetworkState, get: (ref: string) => Network, request: AttachRequest): PlannedAttachment {
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
  return { request, sandbox, links: wanted.map(({ network, settings }) => plannedLink(state, sandbox, network, settings)) };
}

/** The interface of a container on a network where a place is reserved. @throws BerthError network/not-found */
export function plannedLink(state: NetworkState, sandbox: Sandbox, network: Network, settings: EndpointSettings): LinkPlan {
  const endpoint = sandbox.endpoints[network.Id];
  const stored = state.networks.get(network.Id);
  if (!endpoint || !stored) throw new BerthError("network/not-found", `network ${network.Name} not found`);
  return linkPlan(stored, endpoint, settings, defaultNetwork(state, sandbox) === network);
}
