import { isIP } from "node:net";
import type { EndpointSettings } from "../api/index.ts";
import { BerthError } from "../system/index.ts";

/** What a container's place in a network says about its interface. */
export interface EndpointOptions {
  /** The interface's name in the container. */
  readonly interfaceName?: string;
  /** Kernel settings of that interface, below /proc/sys; `IFNAME` stands for it. */
  readonly sysctls: readonly (readonly [path: string, value: string])[];
  /** More addresses of the interface, with their prefixes. */
  readonly linkLocal: readonly string[];
}

const ifname = "com.docker.network.endpoint.ifname";
const sysctls = "com.docker.network.endpoint.sysctls";

/**
 * Docker Engine 28, `docker network connect`, "--driver-opt", and EndpointIPAMConfig.LinkLocalIPs. Options of others are left to them, as Docker does.
 * @throws BerthError network/bad-option, network/bad-address
 */
export function endpointOptions(settings: EndpointSettings): EndpointOptions {
  const options = settings.DriverOpts ?? {};
  const name = options[ifname];
  if (name !== undefined && !/^[^\s/:.][^\s/:]{0,14}$/.test(name))
    throw new BerthError("network/bad-option", `invalid interface name: ${name}`, {
      hint: "It has at most 15 characters, and no space or slash.",
    });
  return {
    ...(name ? { interfaceName: name } : {}),
    sysctls: parseSysctls(options[sysctls] ?? ""),
    linkLocal: (settings.IPAMConfig?.LinkLocalIPs ?? []).filter(Boolean).map(linkLocalAddress),
  };
}

/** "net.ipv4.conf.IFNAME.log_martians=1,..." */
function parseSysctls(text: string): [string, string][] {
  return text
    .split(",")
    .filter(Boolean)
    .map((setting) => {
      const [key = "", value] = setting.split(/=(.*)/s);
      const parts = key.replaceAll("/", ".").split(".");
      // A name could lead elsewhere: the parts are words, and the interface has its place.
      if (
        parts.length !== 5 ||
        parts[0] !== "net" ||
        !/^(ipv4|ipv6|mpls)$/.test(parts[1] ?? "") ||
        parts[3]?.toUpperCase() !== "IFNAME" ||
        !parts.every((part) => /^\w+$/.test(part))
      )
        throw new BerthError(
          "network/bad-option",
          `unrecognised network interface sysctl '${setting}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`,
        );
      if (value === undefined) throw new BerthError("network/bad-option", `unable to apply sysctl: "${setting}" has no value`);
      return [[...parts.slice(0, 3), "IFNAME", parts[4]].join("/"), value];
    });
}

/** RFC 3927: 169.254.0.0/16; RFC 4291: fe80::/64 of fe80::/10. */
function linkLocalAddress(address: string): string {
  const family = isIP(address);
  if (family === 0) throw new BerthError("network/bad-address", `invalid link-local IP address: ${address}`);
  const isLinkLocal = family === 4 ? address.startsWith("169.254.") : /^fe[89ab][0-9a-f]:/i.test(address);
  if (!isLinkLocal) throw new BerthError("network/bad-address", `invalid link local IP address: ${address}`);
  return `${address}/${family === 4 ? 16 : 64}`;
}
