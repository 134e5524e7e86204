import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { run, syscalls, umountFlag } from "../system/index.ts";

/** One interface of one container: the veth's outer name, the bridge it joins, and what it gets inside. */
export interface LinkPlan {
  readonly outer: string;
  readonly bridge: string;
  readonly inner: string;
  readonly mac: string;
  readonly mtu: number;
  /** "10.1.0.2/16" and the like. */
  readonly addresses: readonly string[];
  /** Default gateways, only on the interface that has the default route. */
  readonly gateways: readonly string[];
}

export interface NamespacePlan {
  readonly name: string;
  readonly links: readonly LinkPlan[];
}

export const namespacePath = (name: string): string => `/run/netns/${name}`;

/** Makes the namespaces with all their interfaces: one `ip` for the outside of all, one for the inside of each, eight at a time. */
export async function createNamespaces(plans: readonly NamespacePlan[]): Promise<void> {
  if (plans.length === 0) return;
  const outside = plans.flatMap((plan) => [
    ...(existsSync(namespacePath(plan.name)) ? [] : [`netns add ${plan.name}`]),
    ...plan.links.map(
      (link) =>
        `link add ${link.outer} mtu ${link.mtu} type veth peer name ${link.inner} address ${link.mac} mtu ${link.mtu} netns ${plan.name}`,
    ),
    ...plan.links.map((link) => `link set ${link.outer} master ${link.bridge} up`),
    // Hairpin: a container that asks for its own published port.
    ...plan.links.map((link) => `link set ${link.outer} type bridge_slave hairpin on`),
  ]);
  await run("ip", ["-batch", "-"], { input: `${outside.join("\n")}\n` });
  const queue = [...plans];
  await Promise.all(
    Array.from({ length: Math.min(8, plans.length) }, async () => {
      for (let plan = queue.shift(); plan; plan = queue.shift()) await configureInside(plan.name, plan.links);
    }),
  );
}

/** Adds interfaces to a namespace that is there already. */
export async function addLinks(plan: NamespacePlan): Promise<void> {
  await createNamespaces([plan]);
}

async function configureInside(name: string, links: readonly LinkPlan[]): Promise<void> {
  const lines = [
    "link set lo up",
    ...links.flatMap((link) => [
      ...link.addresses.map((address) => `addr add ${address} dev ${link.inner}${address.includes(":") ? " nodad" : ""}`),
      `link set ${link.inner} up`,
      ...link.gateways.map((gateway) => `${gateway.includes(":") ? "-6 " : ""}route replace default via ${gateway} dev ${link.inner}`),
    ]),
  ];
  await run("ip", ["-n", name, "-batch", "-"], { input: `${lines.map((line) => line.replace(/^-6 /, "")).join("\n")}\n` });
}

export async function deleteNamespaces(plans: readonly { name: string; outers: readonly string[] }[]): Promise<void> {
  const there = plans.filter((plan) => existsSync(namespacePath(plan.name)) || plan.outers.some(linkExists));
  if (there.length === 0) return;
  const lines = there.flatMap((plan) => [
    ...plan.outers.filter(linkExists).map((outer) => `link del ${outer}`),
    ...(existsSync(namespacePath(plan.name)) ? [`netns del ${plan.name}`] : []),
  ]);
  await run("ip", ["-force", "-batch", "-"], { input: `${lines.join("\n")}\n`, accept: [0, 1] });
  // A namespace whose mount was lost with its mount namespace is only a file.
  for (const plan of there) if (existsSync(namespacePath(plan.name))) removeMount(namespacePath(plan.name));
}

function removeMount(path: string): void {
  try {
    syscalls().umount(path, umountFlag.detach);
  } catch {
    // not a mount
  }
  rmSync(path, { force: true });
}

export interface BridgePlan {
  readonly link: string;
  readonly mtu: number;
  readonly addresses: readonly string[];
}

/** Makes the bridges that are not there, all with one `ip`. */
export async function createBridges(plans: readonly BridgePlan[]): Promise<void> {
  mkdirSync("/run/netns", { recursive: true });
  const missing = plans.filter((plan) => !linkExists(plan.link));
  if (missing.length > 0) {
    const lines = missing.flatMap((plan) => [
      `link add ${plan.link} mtu ${plan.mtu} type bridge`,
      ...plan.addresses.map((address) => `addr add ${address} dev ${plan.link}${address.includes(":") ? " nodad" : ""}`),
      `link set ${plan.link} up`,
    ]);
    await run("ip", ["-batch", "-"], { input: `${lines.join("\n")}\n` });
  }
  for (const { link } of plans) {
    // 127.0.0.1 of the host is translated to a container's address: the bridge has to take such packets.
    setSysctl(`net/ipv4/conf/${link}/route_localnet`, "1");
    setSysctl(`net/ipv6/conf/${link}/accept_ra`, "0");
  }
  setSysctl("net/ipv4/ip_forward", "1");
  if (plans.some((plan) => plan.addresses.some((address) => address.includes(":")))) setSysctl("net/ipv6/conf/all/forwarding", "1");
}

export async function deleteBridges(links: readonly string[]): Promise<void> {
  const there = links.filter(linkExists);
  if (there.length > 0)
    await run("ip", ["-force", "-batch", "-"], { input: there.map((link) => `link del ${link}\n`).join(""), accept: [0, 1] });
}

export const linkExists = (name: string): boolean => existsSync(`/sys/class/net/${name}`);

/** The MTU of the interface with the default route: a bridge with a larger one would lose packets on the way out. */
export function defaultMtu(): number {
  const route = readFileSync("/proc/net/route", "utf8")
    .split("\n")
    .map((line) => line.split("\t"))
    .find((fields) => fields[1] === "00000000");
  const mtu = route ? Number(readFileSync(`/sys/class/net/${route[0]}/mtu`, "utf8")) : 1500;
  return mtu > 0 ? mtu : 1500;
}

function setSysctl(path: string, value: string): void {
  const file = `/proc/sys/${path}`;
  if (existsSync(file) && readFileSync(file, "utf8").trim() !== value) writeFileSync(file, value);
}
