import { run } from "../system/index.ts";
import type { RuleBridge } from "./ruleset.ts";

/** A base chain of somebody else that drops what it has no rule for. */
export interface DroppingChain {
  readonly family: "ip" | "ip6" | "inet";
  readonly table: string;
  readonly name: string;
  readonly hook: "forward" | "input";
}

interface ListedRule {
  readonly handle: number;
  readonly comment?: string;
}

/**
 * The chains of other firewalls (dockerd, ufw) that end in DROP. Our containers' packets are dropped there whatever our own rules say: a verdict of one table does
 * not bind another (nft(8), VERDICT STATEMENTS). Spawns nft once.
 */
export async function droppingChains(): Promise<DroppingChain[]> {
  const { stdout } = await run("nft", ["-j", "list", "chains"]);
  return parseDroppingChains(stdout);
}

export function parseDroppingChains(json: string): DroppingChain[] {
  const listed = JSON.parse(json) as {
    nftables: { chain?: { family: string; table: string; name: string; hook?: string; policy?: string } }[];
  }; // libnftables-json(5)
  return listed.nftables.flatMap(({ chain }) =>
    chain &&
    chain.policy === "drop" &&
    (chain.hook === "forward" || chain.hook === "input") &&
    (chain.family === "ip" || chain.family === "ip6" || chain.family === "inet") &&
    !chain.table.startsWith("berth-")
      ? [{ family: chain.family, table: chain.table, name: chain.name, hook: chain.hook }]
      : [],
  );
}

/**
 * Lets our bridges' packets through such chains, as libvirt and podman do: rules of ours, marked by a comment, at the end, after everything of the owner, whose own
 * rules stay and win. What must not be forwarded was dropped before, in our own table. Without bridges ours are taken away. Answers whether anything was changed.
 */
export async function admitBridges(chains: readonly DroppingChain[], instance: string, bridges: readonly RuleBridge[]): Promise<boolean> {
  const lines: string[] = [];
  for (const chain of chains) {
    const { stdout, exitCode } = await run("nft", ["-j", "-a", "list", "chain", chain.family, chain.table, chain.name], { accept: [0, 1] });
    if (exitCode === 0) lines.push(...admissionChanges(chain, listedRules(stdout), instance, bridges));
  }
  if (lines.length > 0) await run("nft", ["-f", "-"], { input: `${lines.join("\n")}\n` });
  return lines.length > 0;
}

function listedRules(json: string): ListedRule[] {
  const listed = JSON.parse(json) as { nftables: { rule?: ListedRule }[] }; // libnftables-json(5)
  return listed.nftables.flatMap(({ rule }) => (rule ? [rule] : []));
}

/** The lines for nft that bring one chain to what it should have of ours; each rule's comment names the engine and the rule. Pure. */
export function admissionChanges(
  chain: DroppingChain,
  rules: readonly ListedRule[],
  instance: string,
  bridges: readonly RuleBridge[],
): string[] {
  const place = `${chain.family} ${chain.table} ${chain.name}`;
  const mark = `berth-${instance}`;
  const wanted = new Map<string, string>();
  for (const { link } of bridges) for (const match of matches(chain, link)) wanted.set(`${mark} ${match.replaceAll('"', "")}`, match);
  const there = rules.filter((rule) => rule.comment?.startsWith(`${mark} `));
  return [
    ...there.filter((rule) => !wanted.has(rule.comment ?? "")).map((rule) => `delete rule ${place} handle ${rule.handle}`),
    ...[...wanted]
      .filter(([comment]) => !there.some((rule) => rule.comment === comment))
      .map(([comment, match]) => `add rule ${place} ${match} counter accept comment "${comment}"`),
  ];
}

/** Forwarded both ways; to the host itself only the questions to our DNS. */
function matches(chain: DroppingChain, link: string): string[] {
  if (chain.hook === "forward") return [`iifname "${link}"`, `oifname "${link}"`];
  return [`iifname "${link}" udp dport 53`, `iifname "${link}" tcp dport 53`];
}
