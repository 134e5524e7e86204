import { expect, test } from "vitest";
import { bridgeOptions, bridgeOptionsWithoutEffect, checkBridgeOptions, isEnabled } from "./bridge-options.ts";

const of = (key: string, value: string) => ({ [`com.docker.network.${key}`]: value });

const check = (options: Record<string, string>) => checkBridgeOptions(options, false);
const standard = { gatewayMode4: "nat", gatewayMode6: "nat", hasGateway4: true, trusted: [] };

test("Docker's names and spellings of true and false are read", () => {
  expect(bridgeOptions({})).toEqual({ masquerade: true, icc: true, interfacePrefix: "eth", ...standard });
  expect(
    bridgeOptions({ ...of("bridge.enable_icc", "0"), ...of("bridge.enable_ip_masquerade", "F"), ...of("driver.mtu", "1400") }),
  ).toEqual({
    masquerade: false,
    icc: false,
    interfacePrefix: "eth",
    mtu: 1400,
    ...standard,
  });
});

test("a value that cannot be is refused in Docker's words, and an option without effect is known", () => {
  expect(bridgeOptionsWithoutEffect({ ...of("bridge.nosuch", "1"), ...of("bridge.enable_icc", "1"), "org.example": "x" })).toEqual([
    "com.docker.network.bridge.nosuch",
  ]);
  expect(bridgeOptions(of("bridge.trusted_host_interfaces", "eth0:eth1")).trusted).toEqual(["eth0", "eth1"]);
  expect(() => check(of("bridge.gateway_mode_ipv4", "foo"))).toThrow("unknown gateway mode foo");
  expect(() => check(of("bridge.gateway_mode_ipv4", "isolated"))).toThrow("can only be used for an internal network");
  expect(() => checkBridgeOptions(of("bridge.gateway_mode_ipv4", "isolated"), true)).not.toThrow();
  expect(() => check(of("driver.mtu", "abc"))).toThrow(
    'failed to parse com.docker.network.driver.mtu value: abc (strconv.Atoi: parsing "abc": invalid syntax)',
  );
  expect(() => check(of("bridge.enable_icc", "maybe"))).toThrow('strconv.ParseBool: parsing "maybe": invalid syntax');
  expect(() => check(of("driver.mtu", "-1"))).toThrow("invalid MTU number: -1");
  expect(() => check({ "org.example": "x", ...of("bridge.inhibit_ipv4", "false") })).not.toThrow();
});

test("families of addresses are on by their option where the body says nothing", () => {
  expect([isEnabled({}, 4, undefined), isEnabled({}, 6, undefined)]).toEqual([true, false]);
  expect(isEnabled(of("enable_ipv6", "true"), 6, undefined)).toBe(true);
  expect(isEnabled(of("enable_ipv6", "true"), 6, false)).toBe(false);
  expect(() => isEnabled(of("enable_ipv6", "x"), 6, undefined)).toThrow('driver-opt "com.docker.network.enable_ipv6" is not a valid bool');
});
