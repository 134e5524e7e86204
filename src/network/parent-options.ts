import { BerthError } from "../system/index.ts";

/** How containers are on an interface of the host itself: each with a MAC address of its own (macvlan) or with the interface's (ipvlan). */
export interface ParentOptions {
  readonly kind: "macvlan" | "ipvlan";
  /** undefined: a dummy interface that only this network has. */
  readonly parent?: string;
  /** The kernel's numbers. */
  readonly mode: number;
  readonly flags: number;
  /** ipvlan's l3 modes know no neighbours: there is no gateway to ask. */
  readonly routes: "gateway" | "device";
  readonly mtu?: number;
}

// linux/if_link.h: enum macvlan_mode, enum ipvlan_mode, IPVLAN_F_*
const macvlanModes: Readonly<Record<string, number>> = { "": 4, private: 1, vepa: 2, bridge: 4, passthru: 8 };
const ipvlanModes: Readonly<Record<string, number>> = { "": 0, l2: 0, l3: 1, l3s: 2 };
const ipvlanFlags: Readonly<Record<string, number>> = { "": 0, bridge: 0, private: 1, vepa: 2 };

export const isParentDriver = (driver: string): driver is ParentOptions["kind"] => driver === "macvlan" || driver === "ipvlan";

/**
 * The options of Docker's macvlan and ipvlan drivers (their reference, "Options").
 * @throws BerthError network/bad-option: a mode that there is not, or a parent that cannot be one
 */
export function parentOptions(kind: ParentOptions["kind"], options: Readonly<Record<string, string>>): ParentOptions {
  if (options["parent"] === "lo") throw new BerthError("network/bad-option", `loopback interface is not a valid ${kind} parent link`);
  const choice = (key: string, values: Readonly<Record<string, number>>, standard: string): number => {
    const found = values[options[key] ?? ""];
    if (found === undefined)
      throw new BerthError(
        "network/bad-option",
        `requested ${key.replace("_", " ")} '${options[key]}' is not valid, '${standard}' ${key.split("_")[1]} is the ${kind} driver default`,
      );
    return found;
  };
  const mode = kind === "macvlan" ? choice("macvlan_mode", macvlanModes, "bridge") : choice("ipvlan_mode", ipvlanModes, "l2");
  const mtu = options["com.docker.network.driver.mtu"] ?? "";
  if (!/^\d{0,6}$/.test(mtu)) throw new BerthError("network/bad-option", `invalid MTU number: ${mtu}`);
  return {
    kind,
    ...(options["parent"] ? { parent: options["parent"] } : {}),
    mode,
    flags: kind === "ipvlan" ? choice("ipvlan_flag", ipvlanFlags, "bridge") : 0,
    routes: kind === "ipvlan" && mode !== 0 ? "device" : "gateway",
    ...(Number(mtu) > 0 ? { mtu: Number(mtu) } : {}),
  };
}

/** Options that these drivers have no use for; Docker's take them without a word. */
export function parentOptionsWithoutEffect(kind: ParentOptions["kind"], options: Readonly<Record<string, string>>): string[] {
  const known = [
    "parent",
    `${kind}_mode`,
    "com.docker.network.driver.mtu",
    "com.docker.network.enable_ipv4",
    "com.docker.network.enable_ipv6",
  ];
  return Object.keys(options).filter((key) => !known.includes(key) && !(kind === "ipvlan" && key === "ipvlan_flag"));
}

/** What `parent` stands for where there is no such interface: "eth0.50" is VLAN 50 of eth0 (IEEE 802.1Q: 1 to 4094), "" a dummy interface. */
export type ParentLink =
  | { readonly kind: "dummy"; readonly name: string }
  | { readonly kind: "vlan"; readonly name: string; readonly of: string; readonly id: number };

/** @throws BerthError network/bad-option: it is neither there nor the name of a VLAN of what is there */
export function missingParent(name: string, exists: (link: string) => boolean): ParentLink {
  const [, of = "", id = ""] = /^(.+)\.(\d{1,4})$/.exec(name) ?? [];
  if (exists(of) && Number(id) >= 1 && Number(id) <= 4094) return { kind: "vlan", name, of, id: Number(id) };
  throw new BerthError("network/bad-option", `the parent interface ${name} was not found on the host`, {
    hint: "`ip link` names those that are there; name.ID stands for a VLAN of one.",
  });
}
