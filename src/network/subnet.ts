import { BerthError } from "../system/index.ts";

/** An IPv4 or IPv6 network as a number and a prefix length. */
export interface Subnet {
  readonly base: bigint;
  readonly prefix: number;
  readonly bits: 32 | 128;
}

/** "10.1.0.0/16", "fd00::/64". Host bits are cleared. @throws BerthError network/bad-address */
export function parseSubnet(text: string): Subnet {
  const [address = "", length = ""] = text.split("/");
  const bits = address.includes(":") ? 128 : 32;
  const prefix = Number(length);
  if (!/^\d{1,3}$/.test(length) || prefix > bits)
    throw new BerthError("network/bad-address", `invalid subnet ${text}: it has the form address/prefix`);
  const host = (1n << BigInt(bits - prefix)) - 1n;
  return { base: parseAddress(address) & ~host, prefix, bits };
}

/** An address as a number. @throws BerthError network/bad-address */
export function parseAddress(text: string): bigint {
  const bad = () => new BerthError("network/bad-address", `invalid IP address ${text}`);
  if (!text.includes(":")) {
    const parts = text.split(".");
    if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) throw bad();
    return parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  }
  const [head = "", tail, more] = text.split("::");
  const words = (side: string) => (side === "" ? [] : side.split(":"));
  const [left, right] = [words(head), words(tail ?? "")];
  const missing = 8 - left.length - right.length;
  if (more !== undefined || (tail === undefined ? missing !== 0 : missing < 0)) throw bad();
  const all = [...left, ...Array.from({ length: tail === undefined ? 0 : missing }, () => "0"), ...right];
  if (!all.every((word) => /^[0-9a-f]{1,4}$/i.test(word))) throw bad();
  return all.reduce((sum, word) => sum * 65536n + BigInt(`0x${word}`), 0n);
}

export function formatAddress(value: bigint, bits: 32 | 128): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
  const words = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(16 * (7 - index))) & 0xffffn).toString(16)).join(":");
  // RFC 5952: the longest run of zero words becomes "::".
  const run = (words.match(/(^|:)0(:0)+(?=:|$)/g) ?? []).sort((a, b) => b.length - a.length)[0];
  if (!run) return words;
  const at = words.indexOf(run);
  return `${words.slice(0, at)}::${words.slice(at + run.length).replace(/^:/, "")}`;
}

export const formatSubnet = (subnet: Subnet): string => `${formatAddress(subnet.base, subnet.bits)}/${subnet.prefix}`;

export function contains(subnet: Subnet, address: bigint): boolean {
  return address >= subnet.base && address < subnet.base + (1n << BigInt(subnet.bits - subnet.prefix));
}

export function overlap(a: Subnet, b: Subnet): boolean {
  return a.bits === b.bits && (contains(a, b.base) || contains(b, a.base));
}

/** Docker's default pools: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/20 and on. */
const pools: readonly Subnet[] = [
  ...Array.from({ length: 15 }, (_, index) => parseSubnet(`172.${17 + index}.0.0/16`)),
  ...Array.from({ length: 16 }, (_, index) => parseSubnet(`192.168.${index * 16}.0/20`)),
  ...Array.from({ length: 256 }, (_, index) => parseSubnet(`10.${index}.0.0/20`)),
];

/** The first pool that overlaps nothing that is taken. @throws BerthError network/no-subnet */
export function freeSubnet(taken: readonly Subnet[]): Subnet {
  const found = pools.find((pool) => !taken.some((other) => overlap(pool, other)));
  if (!found)
    throw new BerthError("network/no-subnet", "all predefined address pools have been fully subnetted", {
      hint: "Remove unused networks (`berth network prune`), or give a subnet.",
    });
  return found;
}

/**
 * The lowest free address of a range. A subnet's first and, in IPv4, last address are never given, except of one that has no others (RFC 3021).
 * `of`: the network, in the words of the error. @throws BerthError network/no-address
 */
export function freeAddress(subnet: Subnet, range: Subnet, taken: ReadonlySet<bigint>, of = formatSubnet(range)): bigint {
  const end = range.base + (1n << BigInt(range.bits - range.prefix));
  const last = subnet.base + (1n << BigInt(subnet.bits - subnet.prefix)) - 1n;
  const isTiny = subnet.bits - subnet.prefix < 2;
  for (let address = range.base; address < end; address++) {
    const isReserved = !isTiny && (address === subnet.base || (subnet.bits === 32 && address === last));
    if (!isReserved && !taken.has(address)) return address;
  }
  throw new BerthError(
    "network/no-address",
    `no available IPv${subnet.bits === 32 ? 4 : 6} addresses on this network's address pools: ${of}`,
    { hint: "A larger subnet or ip-range has more; containers that are stopped keep theirs as long as there are others." },
  );
}
