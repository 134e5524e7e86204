import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { NetlinkSocket, netlinkFamily, run } from "../system/index.ts";
import { createNamespace, namespacePath, type OpenNamespace, openNamespace, removeNamespace } from "./net-namespace.ts";
import { addAddress, addVeth, defaultRoute, deleteLinks, getLink, linkIndex, setHairpin, setUp } from "./rtnetlink.ts";

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

const loopbackIndex = 1;

/** Makes the namespaces that are not there, with nothing in them but a loopback that is down. */
export function makeNamespaces(names: readonly string[]): void {
  for (const name of names) if (!existsSync(namespacePath(name))) createNamespace(name).close();
}

/**
 * Makes the namespaces with all their interfaces. Spawns nothing: one netlink request for the outside of all, and two for the inside of each. A namespace that is
 * there already gets the interfaces too.
 */
export async function createNamespaces(plans: readonly NamespacePlan[]): Promise<void> {
  if (plans.length === 0) return;
  const here = new NetlinkSocket(netlinkFamily.route);
  const opened: { plan: NamespacePlan; inside: OpenNamespace }[] = [];
  try {
    for (const plan of plans)
      opened.push({ plan, inside: existsSync(namespacePath(plan.name)) ? openNamespace(plan.name) : createNamespace(plan.name) });
    const stale = plans.flatMap((plan) => plan.links.map((link) => link.outer)).filter(linkExists);
    if (stale.length > 0) await here.request(deleteLinks(stale, ownGroup()));
    await here.request(
      opened.flatMap(({ plan, inside }) =>
        plan.links.flatMap(({ bridge, ...link }) => [
          addVeth({ ...link, bridgeIndex: bridgeIndex(bridge), namespaceFd: inside.fd }),
          setHairpin(link.outer),
        ]),
      ),
    );
    await Promise.all(opened.map(({ plan, inside }) => configureInside(inside.socket, plan.links)));
  } finally {
    for (const { inside } of opened) inside.close();
    here.close();
  }
}

async function configureInside(socket: NetlinkSocket, links: readonly LinkPlan[]): Promise<void> {
  const found = await socket.request([...links.map((link) => getLink(link.inner)), setUp(loopbackIndex)]);
  await socket.request(
    links.flatMap((link, at) => {
      const index = linkIndex(found[at] ?? Buffer.alloc(8));
      return [
        ...link.addresses.map((address) => addAddress(index, address)),
        setUp(index),
        ...link.gateways.map((gateway) => defaultRoute(index, gateway)),
      ];
    }),
  );
}

/** Deletes namespaces and their interfaces, and these links, all in one step. They are gone from here when this settles. */
export async function deleteNamespaces(
  plans: readonly { namespace: string; outers: readonly string[] }[],
  links: readonly string[] = [],
): Promise<void> {
  await deleteInterfaces([...plans.flatMap((plan) => plan.outers), ...links]);
  for (const { namespace } of plans) await removeNamespace(namespace);
}

export async function deleteInterfaces(names: readonly string[]): Promise<void> {
  const there = names.filter(linkExists);
  if (there.length === 0) return;
  const here = new NetlinkSocket(netlinkFamily.route);
  try {
    await here.request(deleteLinks(there, ownGroup()));
  } finally {
    here.close();
  }
}

export interface BridgePlan {
  readonly link: string;
  readonly mtu: number;
  readonly addresses: readonly string[];
}

/** Makes the bridges that are not there, all with one `ip`. */
export async function createBridges(plans: readonly BridgePlan[]): Promise<void> {
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

function bridgeIndex(name: string): number {
  return Number(readFileSync(`/sys/class/net/${name}/ifindex`, "utf8"));
}

/** A group number that nobody else is likely to use; the interfaces are in it for one request. */
function ownGroup(): number {
  return (randomBytes(4).readUInt32LE() | 0x40000000) >>> 0;
}

function setSysctl(path: string, value: string): void {
  const file = `/proc/sys/${path}`;
  if (existsSync(file) && readFileSync(file, "utf8").trim() !== value) writeFileSync(file, value);
}
