import { expect, test } from "vitest";
import { nameservers, resolvConf } from "./resolv-conf.ts";

const host = { path: "/etc/resolv.conf", text: "nameserver 192.0.2.53\nsearch corp.example\noptions rotate\n" };
const none = { dns: [] as string[], search: [] as string[], options: [] as string[], hasIpv6: false };
/** Without the comments. */
const settings = (text: string) => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

test("where networks have names, the container's own resolver is asked, and asks the host's servers", () => {
  const text = resolvConf("internal", host, none);
  expect(settings(text)).toEqual(["nameserver 127.0.0.11", "search corp.example", "options rotate ndots:0"]);
  expect(text).toContain("\n# ExtServers: [host(192.0.2.53)]\n# Overrides: []\n# Option ndots from: internal\n");
});

test("servers of its own stand in the comment, and are asked by the resolver", () => {
  const text = resolvConf("internal", host, { ...none, dns: ["198.51.100.1"], search: ["."], options: ["timeout:1", "ndots:2"] });
  expect(settings(text)).toEqual(["nameserver 127.0.0.11", "options timeout:1 ndots:2"]);
  expect(text).toContain("\n# ExtServers: [198.51.100.1]\n# Overrides: [nameservers search options]\n# Option ndots from: override\n");
});

test("on the default bridge the host's servers are asked, as far as they can be reached from inside", () => {
  const of = (text: string, o = none) => settings(resolvConf("bridge", { ...host, text }, o));
  expect(of("nameserver 127.0.0.1\nnameserver 192.0.2.53\nnameserver 2001:db8::1\n")).toEqual(["nameserver 192.0.2.53"]);
  expect(of("nameserver 2001:db8::1\n", { ...none, hasIpv6: true })).toEqual(["nameserver 2001:db8::1"]);
  expect(of("nameserver ::1\n")).toEqual(["nameserver 8.8.8.8", "nameserver 8.8.4.4"]);
  expect(of("nameserver ::1\n", { ...none, dns: ["127.0.0.1"] })).toEqual(["nameserver 127.0.0.1"]);
});

test("on the host's network the host's file counts as it is", () => {
  expect(settings(resolvConf("host", { ...host, text: "nameserver 127.0.0.53\ndomain a.example\n" }, none))).toEqual([
    "nameserver 127.0.0.53",
    "search a.example",
  ]);
});

test("servers are read whatever stands around them", () => {
  expect(nameservers({ path: "", text: "# nameserver 192.0.2.1\n\tnameserver  192.0.2.2 \nnameserver 2001:db8::1" })).toEqual([
    "192.0.2.2",
    "2001:db8::1",
  ]);
});
