import { isIP } from "node:net";
import type { NetworkCreateBody } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { contains, formatSubnet, overlap, parseAddress, parseSubnet, type Subnet } from "./subnet.ts";

type IpamEntry = NonNullable<NonNullable<NetworkCreateBody["IPAM"]>["Config"]>[number];

/**
 * The addresses that a create asks for, all faults together (moby, ValidateIPAM). IPv6 is looked at only where the network is to have it.
 * @throws BerthError network/bad-address in Docker's words
 */
export function checkIpam(body: NetworkCreateBody): void {
  const faults = (body.IPAM?.Config ?? []).flatMap((entry) => entryFaults(entry, body.EnableIPv6 === true));
  if (faults.length > 0) throw new BerthError("network/bad-address", `invalid network config:\n${faults.join("\n")}`);
}

function entryFaults(entry: IpamEntry, hasV6: boolean): string[] {
  const asked = entry.Subnet ?? "";
  const subnet = prefixOf(asked);
  if (!subnet) return [`invalid subnet ${asked}: invalid CIDR block notation`];
  if (subnet.bits === 128 && !hasV6) return [];
  const faults: string[] = [];
  if (isUnmasked(asked, subnet)) faults.push(`invalid subnet ${asked}: it should be ${formatSubnet(subnet)}`);
  faults.push(...rangeFaults(entry.IPRange ?? "", subnet));
  const addresses = [["gateway", entry.Gateway ?? "", entry.Gateway ?? ""] as const];
  for (const [what, name, address] of [
    ...addresses,
    ...Object.entries(entry.AuxiliaryAddresses ?? {}).map(([name, address]) => ["auxiliary address", name, address] as const),
  ]) {
    const fault = address === "" ? undefined : addressFault(address, subnet);
    if (fault) faults.push(`invalid ${what} ${name}: ${fault}`);
  }
  return faults;
}

function rangeFaults(text: string, subnet: Subnet): string[] {
  if (text === "") return [];
  const range = prefixOf(text);
  const at = `invalid ip-range ${text}:`;
  if (!range) return [`${at} invalid CIDR block notation`];
  if (range.bits !== subnet.bits) return [`${at} parent subnet is an ${family(subnet)} block`];
  const faults: string[] = [];
  if (range.prefix < subnet.prefix) faults.push(`${at} CIDR block is bigger than its parent subnet ${formatSubnet(subnet)}`);
  if (isUnmasked(text, range)) faults.push(`${at} it should be ${formatSubnet(range)}`);
  if (!overlap(range, subnet)) faults.push(`${at} parent subnet ${formatSubnet(subnet)} doesn't contain ip-range`);
  return faults;
}

function addressFault(text: string, subnet: Subnet): string | undefined {
  const version = isIP(text);
  if (version === 0) return "invalid address";
  if ((version === 6) !== (subnet.bits === 128)) return `parent subnet is an ${family(subnet)} block`;
  return contains(subnet, parseAddress(text)) ? undefined : `parent subnet ${formatSubnet(subnet)} doesn't contain this address`;
}

function prefixOf(text: string): Subnet | undefined {
  return isIP(text.split("/")[0] ?? "") !== 0 && /\/\d{1,3}$/.test(text) && Number(text.split("/")[1]) <= (text.includes(":") ? 128 : 32)
    ? parseSubnet(text)
    : undefined;
}

const isUnmasked = (text: string, { base }: Subnet) => parseAddress(text.split("/")[0] ?? "") !== base;
const family = ({ bits }: Subnet) => (bits === 128 ? "IPv6" : "IPv4");
