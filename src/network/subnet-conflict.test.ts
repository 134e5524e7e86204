import { expect, test } from "vitest";
import { predefinedNetwork } from "./network-definition.ts";
import { formatSubnet, parseSubnet } from "./subnet.ts";
import { type HostSubnet, routedSubnets, settledSubnet } from "./subnet-conflict.ts";

const network = (subnet: string) => {
  const base = predefinedNetwork("none");
  return {
    ...base,
    Name: "n",
    IPAM: { ...base.IPAM, Config: [{ Subnet: subnet, Gateway: subnet.replace(/0\/\d+$/, "1") }, { Subnet: "fd00::/64" }] },
  };
};
const host = (subnet: string, isInterface = true): HostSubnet => ({ subnet: parseSubnet(subnet), by: "x", isInterface });

test("a subnet that Berth chose gives way to an interface or route of the host", () => {
  const settled = settledSubnet(network("172.17.0.0/16"), {
    chosenHere: true,
    others: [network("172.18.0.0/16")],
    host: [host("172.17.4.0/24", false), host("172.19.0.0/16")],
  });
  expect(settled.IPAM.Config).toEqual([{ Subnet: "172.20.0.0/16", Gateway: "172.20.0.1" }, { Subnet: "fd00::/64" }]);
});

test("without a clash nothing changes", () => {
  const same = network("172.17.0.0/16");
  expect(settledSubnet(same, { chosenHere: true, others: [], host: [host("172.18.0.0/16")] })).toBe(same);
});

test("one that was asked for is refused where an interface is in it, and stays as an exception of a wider one", () => {
  const asked = network("10.5.0.0/24");
  expect(settledSubnet(asked, { chosenHere: false, others: [], host: [host("10.0.0.0/8"), host("10.5.0.0/16", false)] })).toBe(asked);
  expect(() => settledSubnet(asked, { chosenHere: false, others: [], host: [host("10.5.0.0/24")] })).toThrow(
    "network n cannot be made: its subnet 10.5.0.0/24 overlaps 10.5.0.0/24 of x",
  );
});

test("routes are read as the kernel writes them", () => {
  const text = "Iface\tDestination\n eth0\t00000000\t\t\t\t\t\t00000000\neth0\t000011AC\t0\t0\t0\t0\t0\t0000FFFF\n";
  expect(routedSubnets(text).map(({ subnet, by }) => `${formatSubnet(subnet)} ${by}`)).toEqual(["172.17.0.0/16 a route through eth0"]);
});
