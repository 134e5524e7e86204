import { isIP } from "node:net";
import { goBoolFault, parseGoBool } from "../api/index.ts";
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
  /** Interfaces of the host from which published ports are reached at the container's own address as well. */
  readonly trusted: readonly string[];
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
const anything: Check = () => undefined;
const interfaceName: Check = (value) => (/^[^\s/:]{1,15}$/.test(value) ? undefined : "it is no name for an interface");
const natural: Check = (value) =>
  /^[+-]?\d+$/.test(value) ? (Number(value) >= 0 ? undefined : "it is below 0") : `strconv.Atoi: parsing "${value}": invalid syntax`;
const mtu: Check = (value) => natural(value) ?? (Number(value) > 65_535 ? "it is above 65535" : undefined);
const truth: Check = (value) => (parseGoBool(value) === undefined ? goBoolFault(value) : undefined);
const address =
  (version: 4 | 6): Check =>
  (value) =>
    isIP(value) === version ? undefined : isIP(value) === 0 ? "nil ip" : `it is no IPv${version} address`;
const gatewayMode: Check = (value) => (gatewayModes.includes(value) ? undefined : `unknown gateway mode ${value}`);

/** Docker's bridge driver reference, "Options"; Docker Engine 28. Of others that start so nothing would come. */
const known: Readonly<Record<string, Check>> = {
  "bridge.name": (value) => (value === "" ? undefined : interfaceName(value)),
  "bridge.default_bridge": truth,
  "bridge.enable_ip_masquerade": truth,
  "bridge.enable_icc": truth,
  "bridge.host_binding_ipv4": (value) => (isIP(value) ? undefined : "nil ip"),
  "bridge.gateway_mode_ipv4": gatewayMode,
  "bridge.gateway_mode_ipv6": gatewayMode,
  "bridge.inhibit_ipv4": truth,
  "bridge.trusted_host_interfaces": (value) => value.split(":").map(interfaceName).find(Boolean),
  "driver.mtu": mtu,
  mtu,
  enable_ipv4: anything, // what these two say was looked at before: isEnabled
  enable_ipv6: anything,
  container_iface_prefix: (value) => interfaceName(`${value}0`),
  host_ipv4: address(4),
  host_ipv6: address(6),
};

/** Those that look like the driver's, and are none. */
export function bridgeOptionsWithoutEffect(options: Readonly<Record<string, string>>): string[] {
  return Object.keys(options).filter((key) => key.startsWith(prefix) && !known[key.slice(prefix.length)]);
}

/** Whether a family of addresses is on, by its option or by the field of the body. @throws BerthError network/bad-option */
export function isEnabled(options: Readonly<Record<string, string>>, family: 4 | 6, asked: boolean | undefined): boolean {
  const key = `${prefix}enable_ipv${family}`;
  const text = options[key];
  if (asked !== undefined || text === undefined) return asked ?? family === 4;
  const said = parseGoBool(text);
  if (said === undefined) throw new BerthError("network/bad-option", `driver-opt "${key}" is not a valid bool`);
  return said;
}

/** In Docker's words. @throws BerthError network/bad-option: a value that an option cannot have */
export function checkBridgeOptions(options: Readonly<Record<string, string>>, isInternal: boolean): void {
  for (const [key, value] of Object.entries(options)) {
    const wrong = key.startsWith(prefix) ? known[key.slice(prefix.length)]?.(value) : undefined;
    if (wrong === "it is below 0") throw new BerthError("network/bad-option", `invalid MTU number: ${value}`);
    if (wrong) throw new BerthError("network/bad-option", `failed to parse ${key} value: ${value} (${wrong})`);
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
    masquerade: parseGoBool(of("bridge.enable_ip_masquerade") ?? "true") !== false,
    icc: parseGoBool(of("bridge.enable_icc") ?? "true") !== false,
    trusted: (of("bridge.trusted_host_interfaces") ?? "").split(":").filter(Boolean),
    interfacePrefix: of("container_iface_prefix") ?? "eth",
    gatewayMode4: modeOf(of("bridge.gateway_mode_ipv4")),
    gatewayMode6: modeOf(of("bridge.gateway_mode_ipv6")),
    hasGateway4: parseGoBool(of("bridge.inhibit_ipv4") ?? "false") !== true,
    ...(linkName ? { linkName } : {}),
    ...(mtu > 0 ? { mtu } : {}),
    ...(hostBinding ? { hostBinding } : {}),
    ...(hostAddress4 ? { hostAddress4 } : {}),
    ...(hostAddress6 ? { hostAddress6 } : {}),
  };
}

const modeOf = (text: string | undefined): GatewayMode => (gatewayModes.includes(text ?? "") ? (text as GatewayMode) : "nat"); // a member of the list
