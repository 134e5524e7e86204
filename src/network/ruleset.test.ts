import { expect, test } from "vitest";
import { type RuleBridge, ruleset } from "./ruleset.ts";

const bridge: RuleBridge = {
  link: "br-1",
  subnets: ["10.1.0.0/24"],
  internal: false,
  masquerade: true,
  icc: true,
  trusted: ["eth0", "eth1"],
  gatewayMode4: "nat",
  gatewayMode6: "nat",
};
const port = { hostIp: "0.0.0.0", hostPort: 8080, protocol: "tcp", address: "10.1.0.2", port: 80 } as const;

test("what is published is reached at the container's own address from an interface that the network trusts", () => {
  const accept = 'iifname { "eth0", "eth1" } oifname "br-1" ip daddr 10.1.0.2 tcp dport 80 accept';
  const lines = ruleset("t", [bridge], [port])
    .split("\n")
    .map((line) => line.trim());
  expect(lines.indexOf(accept)).toBeGreaterThan(0);
  expect(lines.indexOf(accept)).toBeLessThan(lines.indexOf('iifname != { "br-1" } oifname { "br-1" } drop'));
  expect(ruleset("t", [{ ...bridge, trusted: [] }], [port])).not.toContain("ip daddr 10.1.0.2 tcp dport 80 accept");
  expect(ruleset("t", [bridge], [{ ...port, address: "10.2.0.2" }])).not.toContain("10.2.0.2 tcp dport 80 accept");
});
