import { isIPv6 } from "node:net";
import { attribute, type NetlinkMessage } from "../system/index.ts";

// rtnetlink(7) and linux/if_link.h: what a container's interfaces need, as messages.
const RTM = { newLink: 16, delLink: 17, getLink: 18, newAddress: 20, newRoute: 24 } as const;
const NLM_F = { replace: 0x100, exclusive: 0x200, create: 0x400 } as const;
const IFLA = { address: 1, ifname: 3, mtu: 4, link: 5, master: 10, linkinfo: 18, group: 27, netNsFd: 28 } as const;
const IFLA_INFO = { kind: 1, data: 2, slaveKind: 4, slaveData: 5 } as const;
const VETH_INFO_PEER = 1;
const IFLA_BRPORT_MODE = 4;
const IFA = { address: 1, local: 2, broadcast: 4 } as const;
const RT_SCOPE_LINK = 253;
const IFA_F_NODAD = 0x02;
const RTA = { oif: 4, gateway: 5 } as const;
const IFF_UP = 1;
const AF = { unspec: 0, inet: 2, inet6: 10 } as const;

/** struct ifinfomsg */
function linkHeader(index = 0, up = false): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeInt32LE(index, 4);
  if (up) {
    bytes.writeUInt32LE(IFF_UP, 8);
    bytes.writeUInt32LE(IFF_UP, 12);
  }
  return bytes;
}

export interface VethPair {
  readonly outer: string;
  readonly bridgeIndex: number;
  readonly inner: string;
  readonly mac: string;
  readonly mtu: number;
  /** Descriptor of the namespace that the inner end is born in. */
  readonly namespaceFd: number;
}

/** A pair of which one end is up on the bridge and the other is in a namespace. */
export function addVeth(pair: VethPair): NetlinkMessage {
  const peer = Buffer.concat([
    linkHeader(),
    attribute(IFLA.ifname, pair.inner),
    attribute(IFLA.mtu, pair.mtu),
    attribute(IFLA.address, Buffer.from(pair.mac.replaceAll(":", ""), "hex")),
    attribute(IFLA.netNsFd, pair.namespaceFd),
  ]);
  return {
    type: RTM.newLink,
    flags: NLM_F.create | NLM_F.exclusive,
    payload: Buffer.concat([
      linkHeader(0, true),
      attribute(IFLA.ifname, pair.outer),
      attribute(IFLA.mtu, pair.mtu),
      attribute(IFLA.master, pair.bridgeIndex),
      attribute(
        IFLA.linkinfo,
        Buffer.concat([attribute(IFLA_INFO.kind, "veth"), attribute(IFLA_INFO.data, attribute(VETH_INFO_PEER, peer))]),
      ),
    ]),
    what: `add the interface ${pair.outer}`,
  };
}

export interface ParentedLink {
  readonly kind: "macvlan" | "ipvlan";
  readonly parentIndex: number;
  readonly inner: string;
  /** Not of ipvlan, which has its parent's. */
  readonly mac: string;
  readonly mtu: number;
  readonly mode: number;
  readonly flags: number;
  /** Descriptor of the namespace that it is born in. */
  readonly namespaceFd: number;
}

/** An interface that is in a namespace and sends through one that is here. */
export function addParentedLink(link: ParentedLink): NetlinkMessage {
  const data =
    link.kind === "macvlan"
      ? attribute(1, link.mode) // IFLA_MACVLAN_MODE
      : Buffer.concat([attribute(1, uint16(link.mode)), attribute(2, uint16(link.flags))]); // IFLA_IPVLAN_MODE, IFLA_IPVLAN_FLAGS
  return {
    type: RTM.newLink,
    flags: NLM_F.create | NLM_F.exclusive,
    payload: Buffer.concat([
      linkHeader(),
      attribute(IFLA.ifname, link.inner),
      ...(link.mtu > 0 ? [attribute(IFLA.mtu, link.mtu)] : []),
      ...(link.kind === "macvlan" ? [attribute(IFLA.address, Buffer.from(link.mac.replaceAll(":", ""), "hex"))] : []),
      attribute(IFLA.link, link.parentIndex),
      attribute(IFLA.netNsFd, link.namespaceFd),
      attribute(IFLA.linkinfo, Buffer.concat([attribute(IFLA_INFO.kind, link.kind), attribute(IFLA_INFO.data, data)])),
    ]),
    what: `add the ${link.kind} interface ${link.inner}`,
  };
}

/** Lets a port of a bridge have its own frames back: a container that asks for its own published port. */
export function setHairpin(name: string): NetlinkMessage {
  const data = attribute(IFLA_BRPORT_MODE, Buffer.from([1]));
  return {
    type: RTM.newLink,
    payload: Buffer.concat([
      linkHeader(),
      attribute(IFLA.ifname, name),
      attribute(IFLA.linkinfo, Buffer.concat([attribute(IFLA_INFO.slaveKind, "bridge"), attribute(IFLA_INFO.slaveData, data)])),
    ]),
    what: `set hairpin on ${name}`,
  };
}

export function setUp(index: number): NetlinkMessage {
  return { type: RTM.newLink, payload: linkHeader(index, true), what: `set the interface ${index} up` };
}

/** Its answer begins with struct ifinfomsg: `linkIndex` reads it. */
export function getLink(name: string): NetlinkMessage {
  return { type: RTM.getLink, payload: Buffer.concat([linkHeader(), attribute(IFLA.ifname, name)]), what: `find the interface ${name}` };
}
export const linkIndex = (answer: Buffer): number => answer.readInt32LE(4);

/** `address` as "10.1.0.2/16". An IPv6 address is used at once, without asking whether somebody has it. */
export function addAddress(index: number, address: string): NetlinkMessage {
  const [ip = "", prefix = "32"] = address.split("/");
  const header = Buffer.alloc(8);
  header.writeUInt8(isIPv6(ip) ? AF.inet6 : AF.inet, 0);
  header.writeUInt8(Number(prefix), 1);
  header.writeUInt8(isIPv6(ip) ? IFA_F_NODAD : 0, 2);
  header.writeUInt32LE(index, 4);
  const bytes = addressBytes(ip);
  const broadcast = isIPv6(ip) || Number(prefix) > 30 ? [] : [attribute(IFA.broadcast, lastAddress(bytes, Number(prefix)))];
  return {
    type: RTM.newAddress,
    flags: NLM_F.create | NLM_F.exclusive,
    payload: Buffer.concat([header, attribute(IFA.local, bytes), attribute(IFA.address, bytes), ...broadcast]),
    what: `add the address ${address}`,
  };
}

/** The default route by `gateway`, in the place of an older one. */
export function defaultRoute(index: number, gateway: string): NetlinkMessage {
  const header = Buffer.alloc(12);
  header.writeUInt8(isIPv6(gateway) ? AF.inet6 : AF.inet, 0);
  header.writeUInt8(254, 4); // the main table
  header.writeUInt8(3, 5); // RTPROT_BOOT, as ip(8)
  header.writeUInt8(1, 7); // RTN_UNICAST
  return {
    type: RTM.newRoute,
    flags: NLM_F.create | NLM_F.replace,
    payload: Buffer.concat([header, attribute(RTA.gateway, addressBytes(gateway)), attribute(RTA.oif, index)]),
    what: `route by ${gateway}`,
  };
}

/** The default route by an interface that needs no gateway. */
export function deviceRoute(index: number, family: 4 | 6): NetlinkMessage {
  const header = Buffer.alloc(12);
  header.writeUInt8(family === 6 ? AF.inet6 : AF.inet, 0);
  header.writeUInt8(254, 4); // the main table
  header.writeUInt8(3, 5); // RTPROT_BOOT, as ip(8)
  header.writeUInt8(family === 6 ? 0 : RT_SCOPE_LINK, 6);
  header.writeUInt8(1, 7); // RTN_UNICAST
  return {
    type: RTM.newRoute,
    flags: NLM_F.create | NLM_F.replace,
    payload: Buffer.concat([header, attribute(RTA.oif, index)]),
    what: `route by interface ${index}`,
  };
}

/**
 * Deletes many interfaces at once: they are put into a group of their own first, because a group is deleted with one grace period of the kernel (about 25 ms)
 * and single ones with one each. Interfaces that are gone already are no error.
 */
export function deleteLinks(names: readonly string[], group: number): NetlinkMessage[] {
  const gone = ["ENODEV", "EINVAL"];
  return [
    ...names.map((name) => ({
      type: RTM.newLink,
      payload: Buffer.concat([linkHeader(), attribute(IFLA.ifname, name), attribute(IFLA.group, group)]),
      what: `group the interface ${name}`,
      accept: gone,
    })),
    {
      type: RTM.delLink,
      payload: Buffer.concat([linkHeader(), attribute(IFLA.group, group)]),
      what: "delete interfaces",
      accept: gone,
    },
  ];
}

/** Network byte order. */
export function addressBytes(ip: string): Buffer {
  if (!isIPv6(ip)) return Buffer.from(ip.split(".").map(Number));
  const [before = "", after] = ip.split("::");
  const words = (text: string) => text.split(":").filter(Boolean).flatMap(groupBytes);
  const [head, tail] = [words(before), words(after ?? "")];
  return Buffer.from([...head, ...new Array<number>(16 - head.length - tail.length).fill(0), ...tail]);
}

/** Of an IPv4 network. */
function lastAddress(address: Buffer, prefix: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((address.readUInt32BE(0) | (0xffffffff >>> prefix)) >>> 0);
  return bytes;
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

/** "fd00" -> its two bytes; an embedded IPv4 address -> its four. */
function groupBytes(text: string): number[] {
  if (text.includes(".")) return text.split(".").map(Number);
  const value = Number.parseInt(text, 16);
  return [value >> 8, value & 0xff];
}
