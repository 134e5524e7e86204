import { expect, it } from "vitest";
import { checkIpam } from "./ipam-validation.ts";

const check =
  (entry: object, more: object = {}) =>
  () =>
    checkIpam({ Name: "n", IPAM: { Config: [entry] }, ...more });

// What a Docker engine (28.5) answered to the same addresses.
it.each<[string, object, string]>([
  ["a subnet that is none", { Subnet: "x" }, "invalid subnet x: invalid CIDR block notation"],
  ["an address instead of a subnet", { Subnet: "10.1.2.3/24" }, "invalid subnet 10.1.2.3/24: it should be 10.1.2.0/24"],
  [
    "a gateway outside",
    { Subnet: "10.92.0.0/24", Gateway: "10.93.0.1" },
    "invalid gateway 10.93.0.1: parent subnet 10.92.0.0/24 doesn't contain this address",
  ],
  [
    "a gateway of the other family",
    { Subnet: "10.92.0.0/24", Gateway: "fd00::1" },
    "invalid gateway fd00::1: parent subnet is an IPv4 block",
  ],
  [
    "a range that is too big",
    { Subnet: "10.92.0.0/24", IPRange: "10.92.0.0/16" },
    "invalid ip-range 10.92.0.0/16: CIDR block is bigger than its parent subnet 10.92.0.0/24",
  ],
  [
    "an address that is kept free and none",
    { Subnet: "10.92.0.0/24", AuxiliaryAddresses: { a: "x" } },
    "invalid auxiliary address a: invalid address",
  ],
])("%s is refused in Docker's words", (_, entry, message) => {
  expect(check(entry)).toThrow(`invalid network config:\n${message}`);
});

it("says all faults together, and looks at IPv6 only where it is wanted", () => {
  expect(check({ Subnet: "10.1.2.3/24", Gateway: "x" })).toThrow("it should be 10.1.2.0/24\ninvalid gateway x: invalid address");
  const v6 = { Subnet: "fd00::1/64" };
  expect(check(v6)).not.toThrow();
  expect(check(v6, { EnableIPv6: true })).toThrow("invalid subnet fd00::1/64: it should be fd00::/64");
});
