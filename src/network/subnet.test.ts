import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { contains, formatAddress, formatSubnet, freeAddress, freeSubnet, overlap, parseAddress, parseSubnet } from "./subnet.ts";

describe("addresses", () => {
  test.prop([fc.ipV4()])("an IPv4 address survives a round trip", (text) => {
    expect(formatAddress(parseAddress(text), 32)).toBe(text);
  });

  test.prop([fc.bigInt(0n, 2n ** 128n - 1n)])("an IPv6 address survives a round trip", (value) => {
    expect(parseAddress(formatAddress(value, 128))).toBe(value);
  });

  it.each([
    ["fd00::1", "fd00::1"],
    ["fd00:0:0:1:0:0:0:1", "fd00:0:0:1::1"],
    ["::", "::"],
    ["1:0:0:0:0:0:0:0", "1::"],
  ])("%s is written %s (RFC 5952)", (text, canonical) => {
    expect(formatAddress(parseAddress(text), 128)).toBe(canonical);
  });

  it.each(["10.1.1", "10.1.1.256", "10.1.1.1.1", "fd00", "fd00::1::2", "fd00:::1", "g::1", ""])("%j is refused", (text) => {
    expect(() => parseAddress(text)).toThrow(`invalid IP address ${text}`);
  });
});

describe("subnets", () => {
  it("clears host bits", () => {
    expect(formatSubnet(parseSubnet("10.1.2.3/16"))).toBe("10.1.0.0/16");
  });

  it.each(["10.1.0.0", "10.1.0.0/33", "10.1.0.0/x", "fd00::/129"])("%s is refused", (text) => {
    expect(() => parseSubnet(text)).toThrow("invalid subnet");
  });

  it("gives the first pool that overlaps nothing", () => {
    expect(formatSubnet(freeSubnet([parseSubnet("172.17.0.0/16"), parseSubnet("172.18.4.0/24")]))).toBe("172.19.0.0/16");
  });

  it("names what to do when every pool is taken", () => {
    expect(() => freeSubnet([parseSubnet("0.0.0.0/0")])).toThrow("fully subnetted");
  });

  it("never gives the network's own or the broadcast address", () => {
    const subnet = parseSubnet("10.0.0.0/30");
    expect(formatAddress(freeAddress(subnet, subnet, new Set()), 32)).toBe("10.0.0.1");
    const taken = new Set([parseAddress("10.0.0.1"), parseAddress("10.0.0.2")]);
    expect(() => freeAddress(subnet, subnet, taken)).toThrow("no available IPv4 addresses on this network's address pools: 10.0.0.0/30");
  });

  it("gives both addresses of a subnet that has no others", () => {
    const subnet = parseSubnet("10.0.0.0/31");
    expect(formatAddress(freeAddress(subnet, subnet, new Set()), 32)).toBe("10.0.0.0");
    expect(formatAddress(freeAddress(subnet, subnet, new Set([parseAddress("10.0.0.0")])), 32)).toBe("10.0.0.1");
  });

  test.prop([
    fc.bigInt(0n, 2n ** 32n - 1n),
    fc.integer({ min: 0, max: 32 }),
    fc.bigInt(0n, 2n ** 32n - 1n),
    fc.integer({ min: 0, max: 32 }),
  ])("overlap is symmetric and means a shared address", (a, aPrefix, b, bPrefix) => {
    const [left, right] = [parseSubnet(`${formatAddress(a, 32)}/${aPrefix}`), parseSubnet(`${formatAddress(b, 32)}/${bPrefix}`)];
    expect(overlap(left, right)).toBe(overlap(right, left));
    expect(overlap(left, right)).toBe(contains(left, right.base) || contains(right, left.base));
  });
});
