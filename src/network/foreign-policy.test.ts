import { expect, test } from "vitest";
import { admissionChanges, parseDroppingChains } from "./foreign-policy.ts";

const bridge = {
  link: "br-1",
  subnets: ["10.1.0.0/24"],
  internal: false,
  masquerade: true,
  icc: true,
  trusted: [],
  gatewayMode4: "nat",
  gatewayMode6: "nat",
} as const;
const forward = { family: "ip", table: "filter", name: "FORWARD", hook: "forward" } as const;

test("chains of others that end in DROP are found; ours, accepting ones and other hooks are not", () => {
  const chain = (o: object) => ({
    chain: { family: "ip", table: "filter", name: "FORWARD", type: "filter", hook: "forward", prio: 0, policy: "drop", ...o },
  });
  const list = [
    { metainfo: {} },
    chain({}),
    chain({ table: "berth-1" }),
    chain({ policy: "accept" }),
    chain({ hook: "output" }),
    chain({ family: "arp" }),
  ];
  expect(parseDroppingChains(JSON.stringify({ nftables: list }))).toEqual([forward]);
});

test("a bridge is let through in both directions, by rules that are marked", () => {
  expect(admissionChanges(forward, [], "ab12", [bridge])).toEqual([
    'add rule ip filter FORWARD iifname "br-1" counter accept comment "berth-ab12 iifname br-1"',
    'add rule ip filter FORWARD oifname "br-1" counter accept comment "berth-ab12 oifname br-1"',
  ]);
});

test("what is there is left, what is no longer wanted goes, others' rules are not looked at", () => {
  const rules = [
    { handle: 3 },
    { handle: 4, comment: "somebody else's" },
    { handle: 5, comment: "berth-ab12 iifname br-1" },
    { handle: 6, comment: "berth-ab12 oifname br-gone" },
    { handle: 7, comment: "berth-other iifname br-9" },
  ];
  expect(admissionChanges(forward, rules, "ab12", [bridge])).toEqual([
    "delete rule ip filter FORWARD handle 6",
    'add rule ip filter FORWARD oifname "br-1" counter accept comment "berth-ab12 oifname br-1"',
  ]);
  expect(admissionChanges(forward, rules, "ab12", [])).toEqual([
    "delete rule ip filter FORWARD handle 5",
    "delete rule ip filter FORWARD handle 6",
  ]);
});

test("into the host only DNS is let", () => {
  expect(admissionChanges({ ...forward, name: "INPUT", hook: "input" }, [], "ab12", [bridge])).toEqual([
    'add rule ip filter INPUT iifname "br-1" udp dport 53 counter accept comment "berth-ab12 iifname br-1 udp dport 53"',
    'add rule ip filter INPUT iifname "br-1" tcp dport 53 counter accept comment "berth-ab12 iifname br-1 tcp dport 53"',
  ]);
});
