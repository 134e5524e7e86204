import { expect, test } from "vitest";
import { bridgeOptions, checkBridgeOptions } from "./bridge-options.ts";

const of = (key: string, value: string) => ({ [`com.docker.network.${key}`]: value });

const check = (options: Record<string, string>) => checkBridgeOptions(options, false);
const standard = { gatewayMode4: "nat", gatewayMode6: "nat", hasGateway4: true };

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

test("an option without effect and a value that cannot be are refused by name", () => {
  expect(() => check(of("bridge.trusted_host_interfaces", "lo"))).toThrow(
    "the network option com.docker.network.bridge.trusted_host_interfaces has no effect here",
  );
  expect(() => check(of("bridge.gateway_mode_ipv4", "foo"))).toThrow("unknown gateway mode foo");
  expect(() => check(of("bridge.gateway_mode_ipv4", "isolated"))).toThrow("can only be used for an internal network");
  expect(() => checkBridgeOptions(of("bridge.gateway_mode_ipv4", "isolated"), true)).not.toThrow();
  expect(() => check(of("driver.mtu", "abc"))).toThrow('com.docker.network.driver.mtu cannot be "abc"');
  expect(() => check(of("bridge.enable_icc", "maybe"))).toThrow("neither true nor false");
  expect(() => check({ "org.example": "x", ...of("bridge.inhibit_ipv4", "false") })).not.toThrow();
});
