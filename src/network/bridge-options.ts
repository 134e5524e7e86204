import { isIP } from "node:net";
import { BerthError } from "../system/index.ts";

/** What a network's `driver_opts` say to the bridge driver. */
export interface BridgeOptions {
  /** The bridge's interface on the host, where it is named. */
  readonly linkName?: string;
  readonly mtu?: number;
  readonly masquerade: boolean;
  /** Whether its containers reach each other. */
  readonly icc: boolean;
  /** The host's address for published ports that name none. */
  readonly hostBinding?: string;
  /** The source addresses, by family, that outgoing packets get instead of the outgoing interface's. */
  readonly hostAddress4?: string;
  readonly hostAddress6?: string;
  /** Interfaces in a container are this and a number. */
  readonly interfacePrefix: string;
}

type Check = (value: string) => string | undefined;
const prefix = "com.docker.network.";
const interfaceName: Check = (value) => (/^[^\s/:]{1,15}$/.test(value) ? undefined : "it is no name for an interface");
const natural: Check = (value) => (/^\d{1,6}$/.test(value) ? undefined : "it is no number");
const truth: Check = (value) => (toBoolean(value) === undefined ? "it is neither true nor false" : undefined);
const address =
  (version: 4 | 6): Check =>
  (value) =>
    isIP(value) === version ? undefined : `it is no IPv${version} address`;
const only =
  (...values: string[]): Check =>
  (value) =>
    values.includes(value) ? undefined : `Berth knows ${values.map((known) => `"${known}"`).join(" and ")} here`;
const falseOnly: Check = (value) => truth(value) ?? (toBoolean(value) ? "Berth's bridges always have their address" : undefined);

/** Docker's bridge driver reference, "Options"; Docker Engine 28. Others that start so are refused, because nothing would come of them. */
const known: Readonly<Record<string, Check>> = {
  "bridge.name": interfaceName,
  "bridge.default_bridge": truth,
  "bridge.enable_ip_masquerade": truth,
  "bridge.enable_icc": truth,
  "bridge.host_binding_ipv4": (value) => (isIP(value) ? undefined : "it is no address"),
  "bridge.gateway_mode_ipv4": only("nat"),
  "bridge.gateway_mode_ipv6": only("nat"),
  "bridge.inhibit_ipv4": falseOnly,
  "driver.mtu": natural,
  mtu: natural,
  container_iface_prefix: (value) => interfaceName(`${value}0`),
  host_ipv4: address(4),
  host_ipv6: address(6),
};

/** @throws BerthError network/bad-option: an option of Docker's that has no effect here, or a value that it cannot have */
export function checkBridgeOptions(options: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(options)) {
    if (!key.startsWith(prefix)) continue;
    const check = known[key.slice(prefix.length)];
    if (!check)
      throw new BerthError("network/bad-option", `the network option ${key} has no effect here`, {
        hint: `Take it away; those that have one: ${Object.keys(known)
          .map((name) => prefix + name)
          .join(", ")}.`,
      });
    const wrong = check(value);
    if (wrong) throw new BerthError("network/bad-option", `the network option ${key} cannot be "${value}": ${wrong}`);
  }
}

/** Of options that were checked. */
export function bridgeOptions(options: Readonly<Record<string, string>>): BridgeOptions {
  const of = (key: string) => options[prefix + key] || undefined;
  const mtu = Number(of("driver.mtu") ?? of("mtu") ?? 0);
  const [linkName, hostBinding, hostAddress4, hostAddress6] = [
    of("bridge.name"),
    of("bridge.host_binding_ipv4"),
    of("host_ipv4"),
    of("host_ipv6"),
  ];
  return {
    masquerade: toBoolean(of("bridge.enable_ip_masquerade") ?? "true") !== false,
    icc: toBoolean(of("bridge.enable_icc") ?? "true") !== false,
    interfacePrefix: of("container_iface_prefix") ?? "eth",
    ...(linkName ? { linkName } : {}),
    ...(mtu > 0 ? { mtu } : {}),
    ...(hostBinding ? { hostBinding } : {}),
    ...(hostAddress4 ? { hostAddress4 } : {}),
    ...(hostAddress6 ? { hostAddress6 } : {}),
  };
}

/** The spellings of Go's strconv.ParseBool. */
function toBoolean(text: string): boolean | undefined {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}
