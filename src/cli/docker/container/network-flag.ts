import type { EndpointSettings } from "../../../api/index.ts";
import type { Flags } from "../flags.ts";
import { UsageError } from "../usage-error.ts";

export interface NetworkFlag {
  readonly name: string;
  readonly settings: EndpointSettings;
}

/** `--network web`, `--network name=web,alias=a,ip=10.0.0.5`. */
export function networkFlag(text: string): NetworkFlag {
  if (!text.includes("=")) return { name: text, settings: {} };
  const settings: EndpointSettings = {};
  let name = "";
  for (const field of text.split(",")) {
    const [key = "", value = ""] = [field.slice(0, field.indexOf("=")), field.slice(field.indexOf("=") + 1)];
    if (key === "name") name = value;
    else if (key === "alias") settings.Aliases = [...(settings.Aliases ?? []), value];
    else if (key === "ip") settings.IPAMConfig = { ...settings.IPAMConfig, IPv4Address: value };
    else if (key === "ip6") settings.IPAMConfig = { ...settings.IPAMConfig, IPv6Address: value };
    else if (key === "mac-address") settings.MacAddress = value;
    else if (key === "gw-priority") settings.GwPriority = Number(value);
    else if (key === "driver-opt")
      settings.DriverOpts = { ...settings.DriverOpts, [value.split("=")[0] ?? ""]: value.split("=").slice(1).join("=") };
    else throw new UsageError(`invalid argument ${JSON.stringify(text)} for "--network" flag: invalid field key ${key}`);
  }
  if (name === "") throw new UsageError(`invalid argument ${JSON.stringify(text)} for "--network" flag: network name/id is not specified`);
  return { name, settings };
}

/** What networks cannot be given together. @throws UsageError in Docker's words */
export function checkNetworks(networks: readonly NetworkFlag[], flags: Flags): void {
  const isOwn = ({ name }: NetworkFlag) => ["host", "none", "bridge", "default"].includes(name) || name.startsWith("container:");
  if (networks.length > 1 && networks.some((network) => isOwn(network) && network.name !== "bridge" && network.name !== "default"))
    throw new UsageError("conflicting options: cannot attach both user-defined and non-user-defined network-modes");
  const twice = networks.find(({ name }, index) => networks.findIndex((other) => other.name === name) !== index);
  if (twice) throw new UsageError(`network ${JSON.stringify(twice.name)} is specified multiple times`);
  const [first] = networks;
  const aliases = [...flags.list("network-alias"), ...flags.list("net-alias")];
  if (first?.settings.Aliases?.length && aliases.length > 0)
    throw new UsageError("conflicting options: cannot specify both --network-alias and per-network alias");
  if (aliases.length > 0 && (!first || isOwn(first)))
    throw new UsageError("network-scoped aliases are only supported for user-defined networks");
}
