import { expect, test } from "vitest";
import { endpointOptions } from "./endpoint-options.ts";

const options = (driver: Record<string, string>, linkLocal: string[] = []) =>
  endpointOptions({ DriverOpts: driver, IPAMConfig: { LinkLocalIPs: linkLocal } });
const sysctls = (text: string) => options({ "com.docker.network.endpoint.sysctls": text }).sysctls;

test("an interface has the name that is asked for, if it can be one", () => {
  expect(options({ "com.docker.network.endpoint.ifname": "lan0" }).interfaceName).toBe("lan0");
  expect(options({ other: "1" }).interfaceName).toBeUndefined();
  for (const name of ["", "a b", "../x", "much-too-long-a-name"])
    expect(() => options({ "com.docker.network.endpoint.ifname": name })).toThrow("invalid interface name");
});

test("kernel settings are paths of that interface and nothing else", () => {
  expect(sysctls("net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.ifname.accept_ra=2")).toEqual([
    ["net/ipv4/conf/IFNAME/log_martians", "1"],
    ["net/ipv6/conf/IFNAME/accept_ra", "2"],
  ]);
  for (const text of ["net.ipv4.ip_forward=1", "net.ipv4.conf.all.forwarding=1", "net.ipv4.conf.IFNAME...=1", "kernel.a.b.IFNAME.c=1"])
    expect(() => sysctls(text)).toThrow("unrecognised network interface sysctl");
  expect(() => sysctls("net.ipv4.conf.IFNAME.forwarding")).toThrow("has no value");
});

test("link-local addresses get the prefix of their family", () => {
  expect(options({}, ["169.254.34.68", "fe80::34:68"]).linkLocal).toEqual(["169.254.34.68/16", "fe80::34:68/64"]);
  expect(() => options({}, ["10.9.9.9"])).toThrow("invalid link local IP address: 10.9.9.9");
  expect(() => options({}, ["nonsense"])).toThrow("invalid link-local IP address: nonsense");
});
