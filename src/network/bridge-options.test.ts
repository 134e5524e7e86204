import { expect, test } from "vitest";
import { bridgeOptions, checkBridgeOptions } from "./bridge-options.ts";

const of = (key: string, value: string) => ({ [`com.docker.network.${key}`]: value });

test("Docker's names and spellings of true and false are read", () => {
  expect(bridgeOptions({})).toEqual({ masquerade: true, icc: true, interfacePrefix: "eth" });
  expect(
    bridgeOptions({ ...of("bridge.enable_icc", "0"), ...of("bridge.enable_ip_masquerade", "F"), ...of("driver.mtu", "1400") }),
  ).toEqual({
    masquerade: false,
    icc: false,
    interfacePrefix: "eth",
    mtu: 1400,
  });
});

test("an option without effect and a value that cannot be are refused by name", () => {
  expect(() => checkBridgeOptions(of("bridge.trusted_host_interfaces", "lo"))).toThrow(
    "the network option com.docker.network.bridge.trusted_host_interfaces has no effect here",
  );
  expect(() => checkBridgeOptions(of("bridge.gateway_mode_ipv4", "routed"))).toThrow('cannot be "routed": Berth knows "nat" here');
  expect(() => checkBridgeOptions(of("driver.mtu", "abc"))).toThrow('com.docker.network.driver.mtu cannot be "abc"');
  expect(() => checkBridgeOptions(of("bridge.enable_icc", "maybe"))).toThrow("neither true nor false");
  expect(() => checkBridgeOptions({ "org.example": "x", ...of("bridge.inhibit_ipv4", "false") })).not.toThrow();
});
