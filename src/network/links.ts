import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { BerthError, errnoOf, type NetlinkMessage, NetlinkSocket, netlinkFamily, run } from "../system/index.ts";
import { createNamespace, insideNamespace, namespacePath, type OpenNamespace, openNamespace, removeNamespace } from "./net-namespace.ts";
import type { ParentLink } from "./parent-options.ts";
import {
  addAddress,
  addParentedLink,
  addVeth,
  defaultRoute,
  deleteLinks,
  deviceRoute,
  getLink,
  linkIndex,
  setHairpin,
  setUp,
} from "./rtnetlink.ts";

/** Where the other end of an interface is: on a bridge, by the outer end of a pair; or nowhere, it sends through an interface of the host. */
export type HostSide =
  | { readonly on: "bridge"; readonly bridge: string; readonly outer: string }
  | { readonly on: "parent"; readonly parent: string; readonly kind: "macvlan" | "ipvlan"; readonly mode: number; readonly flags: number };

/** One interface of one container: where it leads, and what it gets inside. */
export interface LinkPlan {
  readonly host: HostSide;
  readonly inner: string;
  readonly mac: string;
  /** 0: as its parent. */
  readonly mtu: number;
  /** "10.1.0.2/16" and the like. */
  readonly addresses: readonly string[];
  readonly routes: DefaultRoutes;
  /** Paths below /proc/sys and values. */
  readonly sysctls: readonly (readonly [path: string, value: string])[];
}

/** Default routes, only on the interface that has them: by gateways, or by the interface itself for these families. */
export type DefaultRoutes = { readonly gateways: readonly string[] } | { readonly families: readonly (4 | 6)[] };

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
    const stale = plans.flatMap((plan) => plan.links.flatMap(({ host }) => (host.on === "bridge" ? host.outer : []))).filter(linkExists);
    if (stale.length > 0) await here.request(deleteLinks(stale, ownGroup()));
    await here.request(opened.flatMap(({ plan, inside }) => plan.links.flatMap((link) => addLink(link, inside.fd))));
    await Promise.all(opened.map(({ plan, inside }) => configureInside(plan.name, inside.socket, plan.links)));
  } finally {
    for (const { inside } of opened) inside.close();
    here.close();
  }
}

function addLink({ host, ...link }: LinkPlan, namespaceFd: number): NetlinkMessage[] {
  if (host.on === "parent") return [addParentedLink({ ...link, ...host, parentIndex: indexOf(host.parent), namespaceFd })];
  return [addVeth({ ...link, outer: host.outer, bridgeIndex: indexOf(host.bridge), namespaceFd }), setHairpin(host.outer)];
}

async function configureInside(name: string, socket: NetlinkSocket, links: readonly LinkPlan[]): Promise<void> {
  const found = await socket.request([...links.map((link) => getLink(link.inner)), setUp(loopbackIndex)]);
  const sysctls = links.flatMap((link) => link.sysctls);
  if (sysctls.length > 0) insideNamespace(name, () => sysctls.forEach(([path, value]) => void writeSysctl(path, value)));
  await socket.request(
    links.flatMap((link, at) => {
      const index = linkIndex(found[at] ?? Buffer.alloc(8));
      return [...link.addresses.map((address) => addAddress(index, address)), setUp(index), ...routeMessages(index, link.routes)];
    }),
  );
}

function routeMessages(index: number, routes: DefaultRoutes): NetlinkMessage[] {
  return "gateways" in routes
    ? routes.gateways.map((gateway) => defaultRoute(index, gateway))
    : routes.families.map((family) => deviceRoute(index, family));
}

/** Leads the default routes of a namespace over another of its interfaces. */
export async function routeBy(name: string, inner: string, routes: DefaultRoutes): Promise<void> {
  const inside = openNamespace(name);
  try {
    const [found] = await inside.socket.request([getLink(inner)]);
    await inside.socket.request(routeMessages(linkIndex(found ?? Buffer.alloc(8)), routes));
  } finally {
    inside.close();
  }
}

/** /proc/sys/net is that of the namespace whose thread opens it. @throws BerthError network/bad-option */
function writeSysctl(path: string, value: string): void {
  try {
    writeFileSync(`/proc/sys/${path}`, value);
  } catch (error) {
    throw new BerthError("network/bad-option", `unable to apply sysctl ${path.replaceAll("/", ".")}=${value}: ${errnoOf(error)}`, {
      cause: error,
    });
  }
}

/** Deletes namespaces and their interfaces, and these links, all in one step. They are gone from here when this settles. */
export async function deleteNamespaces(
  plans: readonly { namespace: string; outers: readonly string[]; inners?: readonly string[] }[],
  links: readonly string[] = [],
): Promise<void> {
  // The namespace goes when the kernel comes to it; who starts again at once has the same address.
  for (const { namespace, inners = [] } of plans) if (inners.length > 0) await deleteInside(namespace, inners);
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

/** Deletes interfaces that have no end on the host. */
export async function deleteInside(namespace: string, names: readonly string[]): Promise<void> {
  if (!existsSync(namespacePath(namespace))) return;
  const inside = openNamespace(namespace);
  try {
    await inside.socket.request(deleteLinks(names, ownGroup()));
  } finally {
    inside.close();
  }
}

/** Makes the interfaces that networks of parents need and that are not there, all with one `ip`. */
export async function createParents(parents: readonly ParentLink[]): Promise<void> {
  const lines = parents
    .filter(({ name }) => !linkExists(name))
    .flatMap((parent) => [
      parent.kind === "dummy"
        ? `link add ${parent.name} type dummy`
        : `link add link ${parent.of} name ${parent.name} type vlan id ${parent.id}`,
      `link set ${parent.name} up`,
    ]);
  if (lines.length > 0) await run("ip", ["-batch", "-"], { input: `${lines.join("\n")}\n` });
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

export const linkExists = (name: string): boolean => name !== "" && existsSync(`/sys/class/net/${name}`);

/** The MTU of the interface with the default route: a bridge with a larger one would lose packets on the way out. */
export function defaultMtu(): number {
  const route = readFileSync("/proc/net/route", "utf8")
    .split("\n")
    .map((line) => line.split("\t"))
    .find((fields) => fields[1] === "00000000");
  const mtu = route ? Number(readFileSync(`/sys/class/net/${route[0]}/mtu`, "utf8")) : 1500;
  return mtu > 0 ? mtu : 1500;
}

function indexOf(name: string): number {
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
