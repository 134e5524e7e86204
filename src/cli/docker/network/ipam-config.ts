import { BlockList, isIP } from "node:net";
import type { Flags } from "../flags.ts";
import { DockerExit } from "../usage-error.ts";

interface IpamEntry {
  Subnet?: string;
  IPRange?: string;
  Gateway?: string;
  AuxiliaryAddresses?: Record<string, string>;
}

/** `--subnet`, `--ip-range`, `--gateway`, `--aux-address`: each goes to the subnet it is in. @throws DockerExit in Docker's words */
export function ipamConfig(flags: Flags): IpamEntry[] {
  const [subnets, ranges, gateways] = [flags.list("subnet"), flags.list("ip-range"), flags.list("gateway")];
  if (subnets.length < ranges.length || subnets.length < gateways.length)
    throw new DockerExit(1, "every ip-range or gateway must have a corresponding subnet");
  const entries = subnets.map((Subnet): IpamEntry => ({ Subnet }));
  const entryFor = (address: string) => entries.find((entry) => isInside(entry.Subnet ?? "", address.split("/")[0] ?? ""));
  for (const IPRange of ranges) {
    const entry = entryFor(IPRange) ?? refuse(`no matching subnet for range ${IPRange}`);
    if (entry.IPRange) refuse(`cannot configure multiple ranges (${IPRange}, ${entry.IPRange}) on the same subnet (${entry.Subnet})`);
    entry.IPRange = IPRange;
  }
  for (const Gateway of gateways) {
    const entry = entryFor(Gateway) ?? refuse(`no matching subnet for gateway ${Gateway}`);
    if (entry.Gateway) refuse(`cannot configure multiple gateways (${Gateway}, ${entry.Gateway}) for the same subnet (${entry.Subnet})`);
    entry.Gateway = Gateway;
  }
  for (const pair of flags.list("aux-address")) {
    const [name = "", address = ""] = [pair.split("=")[0], pair.split("=").slice(1).join("=")];
    const entry = entryFor(address) ?? refuse(`no matching subnet for aux-address ${address}`);
    entry.AuxiliaryAddresses = { ...entry.AuxiliaryAddresses, [name]: address };
  }
  return entries;
}

function isInside(subnet: string, address: string): boolean {
  const [network = "", bits = ""] = subnet.split("/");
  const [kind, family] = [isIP(network), isIP(address)];
  if (kind === 0 || kind !== family || !/^\d+$/.test(bits)) return false;
  const list = new BlockList();
  const type = kind === 4 ? "ipv4" : "ipv6";
  list.addSubnet(network, Math.min(Number(bits), kind === 4 ? 32 : 128), type);
  return list.check(address, type);
}

function refuse(message: string): never {
  throw new DockerExit(1, message);
}
