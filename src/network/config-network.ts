import type { Network, NetworkCreateBody } from "../api/index.ts";
import { BerthError } from "../system/index.ts";

/** A network that only keeps settings for others (`network create --config-only`); it has no bridge. @throws BerthError network/bad-option */
export function checkConfigOnly(body: NetworkCreateBody): void {
  if (body.ConfigFrom?.Network)
    throw new BerthError("network/bad-option", "configuration network cannot depend on another configuration network");
  if (body.Internal || body.Attachable || body.Ingress)
    throw new BerthError(
      "network/bad-option",
      "configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.",
    );
}

/** What a network takes from its configuration network (`--config-from`). @throws BerthError network/not-found, network/bad-option */
export function withConfigFrom(body: NetworkCreateBody, existing: readonly Network[]): NetworkCreateBody {
  const name = body.ConfigFrom?.Network;
  if (!name) return body;
  const source = existing.find((network) => network.Name === name || network.Id === name);
  if (!source) throw new BerthError("network/not-found", `configuration network "${name}" does not exist`);
  if (!source.ConfigOnly)
    throw new BerthError("network/forbidden", `cannot configure network from another one that is not configuration only`);
  if ((body.IPAM?.Config ?? []).length > 0 || Object.keys(body.Options ?? {}).length > 0 || body.EnableIPv6)
    throw new BerthError(
      "network/forbidden",
      "user specified configurations are not supported if the network depends on a configuration network",
    );
  return {
    ...body,
    EnableIPv4: source.EnableIPv4,
    EnableIPv6: source.EnableIPv6,
    Options: source.Options,
    Labels: { ...source.Labels, ...body.Labels },
    IPAM: {
      Driver: source.IPAM.Driver,
      Config: source.IPAM.Config,
      ...(source.IPAM.Options ? { Options: source.IPAM.Options } : {}),
    },
  };
}
