import { isIP } from "node:net";
import { BerthError } from "../system/index.ts";

/** What a network's `driver_opts` say to the bridge driver. */
export interface BridgeOptions {
  /** The bridge's interface on the host, where it is named. */
  readonly linkName?: string;
  readonly mtu?: number;
  readonly masquerade: boolean;
  /** How its containers are reached from outside, by family. */
  readonly gatewayMode4: GatewayMode;
  readonly gatewayMode6: GatewayMode;
  /** Whether the bridge has its IPv4 gateway's address; else something else on it does. */
  readonly hasGateway4: boolean;
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

/**
 * Docker's gateway modes: by ports of the host that are translated; the same, and every port by the container's own address; what is published by the container's
 * own address, untranslated; not at all, the bridge having no address ("isolated", of internal networks only).
 */
export type GatewayMode = "nat" | "nat-unprotected" | "routed" | "isolated";
const gatewayModes: readonly string[] = ["nat", "nat-unprotected", "routed", "isolated"] satisfies readonly GatewayMode[];

type Check = (value: string) => string | undefined;
const prefix = "com.docker.network.";
const interfaceName: Check = (value) => (/^[^\s/:]{1,15}$/.test(value) ? undefined : "it is no name for an interface");
const natural: Check = (value) => (/^\d{1,6}$/.test(value) ? undefined : "it is no number");
const truth: Check = (value) => (toBoolean(value) === undefined ? "it is neither true nor false" : undefined);
const address =
  (version: 4 | 6): Check =>
  (value) =>
    isIP(value) === version ? undefined : `it is no IPv${version} address`;
const gatewayMode: Check = (value) => (gatewayModes.includes(value) ? undefined : `unknown gateway mode ${value}`);

/** Docker's bridge driver reference, "Options"; Docker Engine 28. Others that start so are refused, because nothing would come of them. */
const known: Readonly<Record<string, Check>> = {
  "bridge.name": interfaceName,
  "bridge.default_bridge": truth,
  "bridge.enable_ip_masquerade": truth,
  "bridge.enable_icc": truth,
  "bridge.host_binding_ipv4": (value) => (isIP(value) ? undefined : "it is no address"),
  "bridge.gateway_mode_ipv4": gatewayMode,
  "bridge.gateway_mode_ipv6": gatewayMode,
  "bridge.inhibit_ipv4": truth,
  "driver.mtu": natural,
  mtu: natural,
  container_iface_prefix: (value) => interfaceName(`${value}0`),
  host_ipv4: address(4),
  host_ipv6: address(6),
};

/** @throws BerthError network/bad-option: an option of Docker's that has no effect here, or a value that it cannot have */
export function checkBridgeOptions(options: Readonly<Record<string, string>>, isInternal: boolean): void {
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
    if (key.includes("gateway_mode") && value === "isolated" && !isInternal)
      throw new BerthError("network/bad-option", "gateway mode 'isolated' can only be used for an internal network");
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
    gatewayMode4: modeOf(of("bridge.gateway_mode_ipv4")),
    gatewayMode6: modeOf(of("bridge.gateway_mode_ipv6")),
    hasGateway4: toBoolean(of("bridge.inhibit_ipv4") ?? "false") !== true,
    ...(linkName ? { linkName } : {}),
    ...(mtu > 0 ? { mtu } : {}),
    ...(hostBinding ? { hostBinding } : {}),
    ...(hostAddress4 ? { hostAddress4 } : {}),
    ...(hostAddress6 ? { hostAddress6 } : {}),
  };
}

const modeOf = (text: string | undefined): GatewayMode => (gatewayModes.includes(text ?? "") ? (text as GatewayMode) : "nat"); // a member of the list

/** The spellings of Go's strconv.ParseBool. */
function toBoolean(text: string): boolean | undefined {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}
