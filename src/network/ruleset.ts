import type { GatewayMode } from "./bridge-options.ts";
import { contains, parseAddress, parseSubnet } from "./subnet.ts";

/** A published port as the rules need it. Addresses are literal; `hostIp` "0.0.0.0" and "::" mean any address of this host. */
export interface PublishedPort {
  readonly hostIp: string;
  readonly hostPort: number;
  readonly protocol: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
  /** It answers at the container's own address alone: nothing is translated, and the host's port is free. */
  readonly isRouted?: boolean;
}

export interface RuleBridge {
  readonly link: string;
  readonly subnets: readonly string[];
  readonly internal: boolean;
  readonly masquerade: boolean;
  readonly icc: boolean;
  /** Interfaces of the host from which what is published is also reached at the containers' addresses. */
  readonly trusted: readonly string[];
  readonly gatewayMode4: GatewayMode;
  readonly gatewayMode6: GatewayMode;
  /** What containers' packets to the world come from; the outgoing interface's address where it is not given. */
  readonly hostAddress4?: string;
  readonly hostAddress6?: string;
}

/**
 * The whole rule set of one engine as the text of one nft transaction: its own tables replaced, nobody else's touched. Pure.
 * Forwarding: a bridge's containers reach each other and the world, never another bridge's; an internal bridge reaches nothing outside itself.
 * Publishing: destination maps in prerouting and output, with masquerading for what a container sends to itself or the host sends from loopback.
 */
export function ruleset(table: string, bridges: readonly RuleBridge[], ports: readonly PublishedPort[]): string {
  return [4, 6].map((family) => tableText(table, family as 4 | 6, bridges, ports)).join("\n"); // the two members of the list
}

export function dropRuleset(table: string): string {
  return ["ip", "ip6"].map((family) => `add table ${family} ${table}\ndelete table ${family} ${table}\n`).join("");
}

function tableText(table: string, version: 4 | 6, bridges: readonly RuleBridge[], all: readonly PublishedPort[]): string {
  const family = version === 4 ? "ip" : "ip6";
  const isOwn = (text: string) => text.includes(":") === (version === 6);
  const own = bridges.map((bridge) => ({ ...bridge, subnets: bridge.subnets.filter(isOwn) }));
  const ports = all.filter((port) => !port.isRouted);
  const routed = all.filter((port) => port.isRouted && isOwn(port.address));
  const modeOf = (bridge: RuleBridge) => (version === 4 ? bridge.gatewayMode4 : bridge.gatewayMode6);
  const any = ports.filter((port) => port.hostIp === (version === 4 ? "0.0.0.0" : "::") && isOwn(port.address));
  const some = ports.filter((port) => isOwn(port.hostIp) && isOwn(port.address) && !any.includes(port));
  const element = (port: PublishedPort, withHost: boolean) =>
    `${withHost ? `${port.hostIp} . ` : ""}${port.protocol} . ${port.hostPort} : ${port.address} . ${port.port}`;
  const map = (name: string, type: string, list: readonly string[]) =>
    `  map ${name} {\n    type ${type}\n${list.length ? `    elements = { ${list.join(", ")} }\n` : ""}  }\n`;
  const address = version === 4 ? "ipv4_addr" : "ipv6_addr";
  const dnat = [
    `    dnat ${family} to ${family} daddr . meta l4proto . th dport map @published_at`,
    `    fib daddr type local dnat ${family} to meta l4proto . th dport map @published`,
  ].join("\n");
  const links = own.map((bridge) => `"${bridge.link}"`);
  const anyLink = links.length ? `{ ${links.join(", ")} }` : undefined;
  const forward = own.flatMap((bridge) => [
    // What this bridge's containers say to each other is bridged or, with bridge-nf, seen here.
    `    iifname "${bridge.link}" oifname "${bridge.link}" ${bridge.icc ? "accept" : "drop"}`,
    ...(bridge.internal ? [`    iifname "${bridge.link}" drop`, `    oifname "${bridge.link}" drop`] : []),
  ]);
  return [
    `add table ${family} ${table}`,
    `delete table ${family} ${table}`,
    `table ${family} ${table} {`,
    map(
      "published_at",
      `${address} . inet_proto . inet_service : ${address} . inet_service`,
      some.map((port) => element(port, true)),
    ),
    map(
      "published",
      `inet_proto . inet_service : ${address} . inet_service`,
      any.map((port) => element(port, false)),
    ),
    "  chain prerouting {\n    type nat hook prerouting priority -105;",
    dnat,
    "  }",
    "  chain output {\n    type nat hook output priority -105;",
    // ::1 cannot be translated to an address outside: the engine answers there itself.
    version === 6 ? "    ip6 daddr ::1 return" : "",
    dnat,
    "  }",
    "  chain postrouting {\n    type nat hook postrouting priority srcnat - 5;",
    ...(version === 4 ? own.map((bridge) => `    oifname "${bridge.link}" ip saddr 127.0.0.0/8 masquerade`) : []),
    ...own.flatMap((bridge) =>
      bridge.subnets.map((subnet) => `    ${family} saddr ${subnet} ${family} daddr ${subnet} ct status dnat masquerade`),
    ),
    ...own
      .filter((bridge) => bridge.masquerade && !bridge.internal && modeOf(bridge) !== "routed")
      .flatMap((bridge) => {
        const source = version === 4 ? bridge.hostAddress4 : bridge.hostAddress6;
        return bridge.subnets.map(
          (subnet) => `    ${family} saddr ${subnet} oifname != "${bridge.link}" ${source ? `snat to ${source}` : "masquerade"}`,
        );
      }),
    "  }",
    "  chain forward {\n    type filter hook forward priority filter - 5;",
    "    ct state established,related accept",
    "    ct status dnat accept",
    ...forward,
    ...(anyLink ? [`    iifname ${anyLink} oifname ${anyLink} drop`] : []),
    ...own.filter((bridge) => modeOf(bridge) === "nat-unprotected").map((bridge) => `    oifname "${bridge.link}" accept`),
    ...own
      .filter((bridge) => modeOf(bridge) === "routed" && !bridge.internal)
      .map((bridge) => `    oifname "${bridge.link}" meta l4proto ${version === 4 ? "icmp" : "ipv6-icmp"} accept`),
    ...routed.map(({ address: to, protocol, port }) => `    ${family} daddr ${to} ${protocol} dport ${port} accept`),
    ...own
      .filter((bridge) => bridge.trusted.length > 0 && !bridge.internal)
      .flatMap(({ link, trusted, subnets }) => {
        const from = `iifname { ${trusted.map((name) => `"${name}"`).join(", ")} } oifname "${link}"`;
        return ports
          .filter((port) => isOwn(port.address) && subnets.some((subnet) => contains(parseSubnet(subnet), parseAddress(port.address))))
          .map((port) => `    ${from} ${family} daddr ${port.address} ${port.protocol} dport ${port.port} accept`);
      }),
    // From outside only what is published comes in: another machine that routes to us reaches no container.
    ...(anyLink ? [`    iifname != ${anyLink} oifname ${anyLink} drop`] : []),
    "  }",
    "  chain input {\n    type filter hook input priority filter - 5;",
    "    ct state established,related accept",
    // A container talks to its own gateway, not to the host by another bridge's address.
    ...own.flatMap((bridge) =>
      own
        .filter((other) => other.link !== bridge.link)
        .flatMap((other) => other.subnets.map((subnet) => `    iifname "${bridge.link}" ${family} daddr ${subnet} drop`)),
    ),
    "  }",
    // Packets to 127.0.0.0/8 that come from a wire: route_localnet on the bridges must not open the host's loopback.
    ...(version === 4 && anyLink
      ? [`  chain raw {\n    type filter hook prerouting priority raw;\n    iifname ${anyLink} ip daddr 127.0.0.0/8 drop\n  }`]
      : []),
    "}",
    "",
  ]
    .filter((line) => line !== "")
    .join("\n")
    .concat("\n");
}
