import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import packet from "dns-packet";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type AttachRequest, type AttachResult, Networks } from "../../../src/network/index.ts";
import { until } from "../../support/until.ts";

const log = { info: () => {}, warn: (data: object, message: string) => warnings.push(`${message} ${JSON.stringify(data)}`) };
let warnings: string[] = [];
let root: string;
let instance: string;
let networks: Networks;
let processes: ({ kill(signal: "SIGKILL"): boolean } & Promise<unknown>)[] = [];
let counter = 0;

beforeEach(async () => {
  warnings = [];
  root = mkdtempSync("/var/tmp/berth-net-");
  instance = `nt${process.pid}${++counter}`;
  networks = new Networks({ root, instance, log });
  await networks.open();
});

afterEach(async () => {
  for (const process of processes) process.kill("SIGKILL");
  await Promise.allSettled(processes);
  processes = [];
  const ids = networks.list().flatMap((network) => Object.keys(networks.containersOf(network.Id)));
  for (const id of ids) await networks.release(id);
  await networks.close();
  rmSync(root, { recursive: true, force: true });
  expect(kernelNames()).toEqual([]);
});

/** Everything of this engine that the kernel has: links of its networks, namespaces, tables. */
function kernelNames(): string[] {
  const text = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: "utf8" }).split("\n");
  const bridges = networks.list().map((network) => `br-${network.Id.slice(0, 12)}`);
  return [
    ...text("ip", "-o", "link").filter((line) => bridges.some((bridge) => line.includes(bridge))),
    ...text("ip", "netns").filter((line) => line.includes(instance)),
    ...text("nft", "list", "tables").filter((line) => line.includes(instance)),
  ];
}

let ids = 0;
function request(name: string, network: string | string[], o: Partial<AttachRequest> & { aliases?: string[] } = {}): AttachRequest {
  const id = `${(++ids).toString(16).padStart(5, "0")}${process.pid.toString(16).padStart(7, "0")}`.padEnd(64, "a");
  return {
    containerId: id,
    name,
    hostname: name,
    endpoints: Object.fromEntries([network].flat().map((one) => [one, { Aliases: o.aliases ?? null }])),
    ports: {},
    exposed: [],
    publishAll: false,
    ...o,
  };
}

const attach = async (...requests: AttachRequest[]) => {
  const results = await networks.attach(requests);
  await Promise.all(results.map((result) => result.ready));
  return results;
};
const addressOf = (result: AttachResult | undefined, network: string) => result?.networks[network]?.IPAddress ?? "";
const inside = (result: AttachResult | undefined, ...command: string[]) =>
  execa("nsenter", [`--net=${result?.netnsPath}`, ...command], { reject: false, timeout: 15_000 });

/** A TCP and UDP server inside, on a port of both, that answers with `answer` and the address it was asked from. */
async function serve(result: AttachResult | undefined, port: number, answer: string): Promise<void> {
  const script = `
    require("net").createServer({allowHalfOpen: true}, (s) => { s.on("error", () => {}); s.end(${JSON.stringify(answer)} + " " + s.remoteAddress); }).listen(${port}, "::");
    const u = require("dgram").createSocket("udp6"); u.on("message", (m, from) => u.send(${JSON.stringify(answer)}, from.port, from.address)); u.bind(${port}, () => console.log("ready"));`;
  const server = execa("nsenter", [`--net=${result?.netnsPath}`, process.execPath, "-e", script], { reject: false });
  processes.push(server);
  await until(async () => (await inside(result, "ss", "-lnH", "sport", "=", `:${port}`)).stdout.split("\n").length >= 2, {
    timeoutMs: 10_000,
    what: `a server on ${port}`,
  });
}

const askScript = (udp: boolean) =>
  udp
    ? `const s=require("dgram").createSocket(process.argv[1].includes(":")?"udp6":"udp4");s.on("message",(m)=>{console.log(String(m));s.close()});s.send("?",+process.argv[2],process.argv[1]);setTimeout(()=>process.exit(1),1500).unref()`
    : `const s=require("net").connect(+process.argv[2],process.argv[1]);s.setTimeout(1500,()=>process.exit(1));s.on("error",(e)=>{console.log(e.code);process.exit(1)});s.on("data",(d)=>console.log(String(d)));s.on("end",()=>process.exit(0))`;

/** What a client on the host (or inside a container) gets; "" where nothing answers. */
async function ask(host: string, port: number, o: { from?: AttachResult | undefined; udp?: boolean } = {}): Promise<string> {
  const command = [process.execPath, "-e", askScript(o.udp === true), host, String(port)];
  const answer = o.from
    ? await inside(o.from, ...command)
    : await execa(command[0] ?? "", command.slice(1), { reject: false, timeout: 15_000 });
  return answer.stdout;
}

const hostAddress = () =>
  Object.values(networkInterfaces())
    .flat()
    .find((entry) => entry?.family === "IPv4" && !entry.internal && !entry.address.startsWith("172."))?.address ?? "";
const freePort = async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
};

describe("a network", () => {
  it("connects its containers and keeps them from those of another", async () => {
    networks.create({ Name: "front" });
    networks.create({ Name: "back" });
    const [web, db, both] = await attach(request("web", "front"), request("db", "back"), request("both", ["front", "back"]));
    await serve(db, 5432, "db");
    expect(await ask(addressOf(db, "back"), 5432, { from: both })).toContain("db");
    expect(await ask(addressOf(db, "back"), 5432, { from: web })).toBe("");
  });

  it("keeps a container's address until the container is released", async () => {
    networks.create({ Name: "front" });
    const one = request("one", "front");
    const [first] = await attach(one);
    await networks.detach([one.containerId]);
    const [other] = await attach(request("other", "front"));
    const [again] = await attach(one);
    expect(addressOf(again, "front")).toBe(addressOf(first, "front"));
    expect(addressOf(other, "front")).not.toBe(addressOf(first, "front"));
  });

  it("gives the address that was asked for, and says who has it when it is taken", async () => {
    networks.create({ Name: "fixed", IPAM: { Config: [{ Subnet: "10.231.7.0/24" }] } });
    const asked = (name: string, address: string) => ({
      ...request(name, "fixed"),
      endpoints: { fixed: { IPAMConfig: { IPv4Address: address } } },
    });
    const [one] = await attach(asked("one", "10.231.7.9"));
    expect(addressOf(one, "fixed")).toBe("10.231.7.9");
    await expect(attach(asked("two", "10.231.7.9"))).rejects.toThrow("10.231.7.9 on network fixed is one's");
    await expect(attach(asked("two", "10.9.9.9"))).rejects.toThrow("10.9.9.9 is not in its subnet 10.231.7.0/24");
    await expect(attach(asked("two", "10.231.7.1"))).rejects.toThrow("is the gateway's");
  });

  it("gives an address that a stopped container had to whoever asks for that very one; the other gets a new one when it starts again", async () => {
    networks.create({ Name: "fixed", IPAM: { Config: [{ Subnet: "10.231.7.0/24" }] } });
    const settings = { IPAMConfig: { IPv4Address: "10.231.7.2" } };
    const stopped = request("stopped", "fixed");
    const [before] = await attach(stopped);
    const asking = { ...request("asking", "fixed"), endpoints: { fixed: settings } };
    // It does not run: whether the address is free is a matter of its start.
    expect(await networks.connect(asking.containerId, "asking", "fixed", settings)).toEqual(settings);
    await expect(attach(asking)).rejects.toThrow("Address already in use: 10.231.7.2 on network fixed is stopped's");
    await networks.detach([stopped.containerId]);
    const [asked] = await attach(asking);
    const [after] = await attach(stopped);
    expect([before, asked, after].map((result) => addressOf(result, "fixed"))).toEqual(["10.231.7.2", "10.231.7.2", "10.231.7.3"]);
  });

  it("has IPv6 inside where it was asked for", async () => {
    networks.create({ Name: "six", EnableIPv6: true });
    const [one, two] = await attach(request("one", "six"), request("two", "six"));
    await serve(one, 8080, "six");
    expect(await ask(one?.networks["six"]?.GlobalIPv6Address ?? "", 8080, { from: two })).toContain("six");
  });

  it("that is internal has no way out and no way in", async () => {
    networks.create({ Name: "closed", Internal: true });
    const [one] = await attach(request("one", "closed"));
    expect((await inside(one, "ip", "route")).stdout).not.toContain("default");
  });

  it("reaches the world through the host's address", async () => {
    networks.create({ Name: "front" });
    const [one] = await attach(request("one", "front"));
    const server = createServer((socket) => socket.end(`you are ${socket.remoteAddress}`)).listen(0, hostAddress());
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    try {
      expect(await ask(hostAddress(), typeof address === "object" && address ? address.port : 0, { from: one })).toContain("you are ");
    } finally {
      server.close();
    }
  });

  it("cannot be removed while a container is on it, and leaves nothing behind after", async () => {
    networks.create({ Name: "front" });
    const one = request("one", "front");
    await attach(one);
    await expect(networks.remove("front")).rejects.toThrow(
      `network front has active endpoints (name:"one" id:"${one.containerId.slice(0, 12)}")`,
    );
    await networks.release(one.containerId);
    const { Id } = await networks.remove("front");
    expect(execFileSync("ip", ["-o", "link"], { encoding: "utf8" })).not.toContain(Id.slice(0, 12));
    expect(networks.find("front")).toBeUndefined();
  });

  it("knows a container no more that has left, and what that had in the kernel is gone a moment later", async () => {
    networks.create({ Name: "front" });
    const port = await freePort();
    const ports = { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: String(port) }] };
    const [leaving, staying] = [request("leaving", "front", { ports }), request("staying", "front")];
    const [before] = await attach(leaving, staying);
    networks.leave(leaving.containerId);
    expect(Object.values(networks.containersOf(networks.get("front").Id)).map((one) => one.Name)).toEqual(["staying"]);
    const left = () => kernelNames().filter((line) => line.includes(leaving.containerId.slice(0, 12)));
    await until(() => left().length === 0, { timeoutMs: 10_000, what: "its namespace to go" });
    // Its address stays its own until it is released; then the next one has it, and its port, at once.
    networks.release(leaving.containerId);
    const [next] = await attach(request("next", "front", { ports }));
    expect(addressOf(next, "front")).toBe(addressOf(before, "front"));
    await serve(next, 80, "next");
    expect(await ask("127.0.0.1", port)).toContain("next");
  });

  it("fails for the one alone whose interface the kernel refuses, and leaves nothing of that", async () => {
    networks.create({ Name: "front" });
    const [good, bad] = [request("good", "front"), request("bad", "front")];
    // No interface can have a multicast address.
    const refused = { ...bad, endpoints: { front: { MacAddress: "01:00:5e:00:00:01" } } };
    const results = await networks.attach([good, refused]);
    const ends = await Promise.allSettled(results.map((result) => result.ready));
    expect(ends.map((end) => end.status)).toEqual(["fulfilled", "rejected"]);
    expect((await inside(results[0], "ip", "-4", "-o", "addr", "show", "eth0")).stdout).toContain(addressOf(results[0], "front"));
    expect(Object.values(networks.containersOf(networks.get("front").Id)).map((one) => one.Name)).toEqual(["good"]);
    expect(kernelNames().filter((line) => line.includes(bad.containerId.slice(0, 12)))).toEqual([]);
  });

  it("gives a container that comes back at once, or takes the place of another, what it is to have", async () => {
    networks.create({ Name: "front" });
    const [one, other] = [request("one", "front"), request("other", "front")];
    const [before] = await attach(one);
    networks.leave(one.containerId);
    const [again] = await attach(one);
    expect(addressOf(again, "front")).toBe(addressOf(before, "front"));
    await serve(again, 80, "one");
    networks.release(one.containerId);
    const [instead] = await attach(other);
    expect(addressOf(instead, "front")).toBe(addressOf(before, "front"));
    expect((await inside(instead, "ip", "-4", "-o", "addr", "show", "eth0")).stdout).toContain(addressOf(before, "front"));
    expect(kernelNames().filter((line) => line.includes(one.containerId.slice(0, 12)))).toEqual([]);
  });

  it("takes with it whatever has left it, when it is removed, also together with others", async () => {
    networks.create({ Name: "front" });
    networks.create({ Name: "back" });
    const links = networks.list().map((network) => `br-${network.Id.slice(0, 12)}`);
    const both = request("both", ["front", "back"]);
    await attach(both);
    networks.release(both.containerId);
    await Promise.all([networks.remove("front"), networks.remove("back")]);
    const there = execFileSync("ip", ["-o", "link"], { encoding: "utf8" });
    expect(links.filter((link) => there.includes(link))).toEqual([]);
    expect(there).not.toContain(`ve${both.containerId.slice(0, 5)}`);
    expect(kernelNames()).toEqual([]);
  });

  it("leaves no namespace of a container that an engine was about to clear when it was killed", async () => {
    networks.create({ Name: "front" });
    const [one, stopped] = [request("one", "front"), request("stopped", "front")];
    await attach(one, stopped);
    await networks.detach([stopped.containerId]);
    execFileSync("ip", ["netns", "add", `berth-${instance}-0123456789ab`]);
    const next = new Networks({ root, instance, log });
    await next.open();
    const names = kernelNames().filter((line) => line.includes("berth-"));
    expect(names.some((line) => line.includes("0123456789ab") || line.includes(stopped.containerId.slice(0, 12)))).toBe(false);
    expect(names.some((line) => line.includes(one.containerId.slice(0, 12)))).toBe(true);
    expect(Object.values(next.containersOf(next.get("front").Id)).map((container) => container.Name)).toEqual(["one"]);
    await next.close();
  });

  it("cannot take a subnet that another one has", () => {
    networks.create({ Name: "one", IPAM: { Config: [{ Subnet: "10.231.0.0/16" }] } });
    expect(() => networks.create({ Name: "two", IPAM: { Config: [{ Subnet: "10.231.7.0/24" }] } })).toThrow("is part of network one");
  });

  it("of an interface of the host has its own addresses there, names, and nothing of the host's", async () => {
    const parent = `mv${process.pid % 1e6}`;
    execFileSync("ip", ["link", "add", parent, "type", "veth", "peer", "name", `${parent}p`]);
    try {
      for (const end of [parent, `${parent}p`]) execFileSync("ip", ["link", "set", end, "up"]);
      networks.create({ Name: "lan", Driver: "macvlan", Options: { parent }, IPAM: { Config: [{ Subnet: "10.231.9.0/24" }] } });
      const web = request("web", "lan");
      const [webResult, db] = await attach(web, request("db", "lan"));
      expect((await inside(webResult, "ip", "route")).stdout).toContain("default via 10.231.9.1 dev eth0");
      await serve(db, 5432, "db");
      expect(await ask(addressOf(db, "lan"), 5432, { from: webResult })).toContain("db");
      expect(await ask(addressOf(db, "lan"), 5432)).toBe("");
      expect(networks.hostsFile(web.containerId, { hostname: "web", domainname: "", extraHosts: [] })).toMatch(/^10\.231\.9\.\d+\tdb /m);
      // At once again, with the same hardware address.
      const mac = webResult?.networks["lan"]?.MacAddress;
      networks.leave(web.containerId);
      const [again] = await attach(web);
      expect(again?.networks["lan"]?.MacAddress).toBe(mac);
      await networks.disconnect(web.containerId, "lan");
      expect((await inside(again, "ip", "-o", "link")).stdout).not.toContain("eth0");
      networks.release(web.containerId);
    } finally {
      execFileSync("ip", ["link", "del", parent]);
    }
  });

  it("leads out by another one when the one that did is left, and by the one with the highest priority", async () => {
    for (const [index, name] of ["a", "b", "c"].entries())
      networks.create({ Name: name, IPAM: { Config: [{ Subnet: `10.231.${20 + index}.0/24` }] } });
    const web = { ...request("web", []), endpoints: { a: {}, b: { GwPriority: 5 } } };
    const [result] = await attach(web);
    const gateway = async () => /default via (\S+)/.exec((await inside(result, "ip", "route")).stdout)?.[1];
    expect(await gateway()).toBe("10.231.21.1");
    await networks.disconnect(web.containerId, "b");
    expect(await gateway()).toBe("10.231.20.1");
    await networks.connect(web.containerId, "web", "c", { GwPriority: 1 });
    expect(await gateway()).toBe("10.231.22.1");
  });

  it("gives an interface the name, settings and link-local addresses that are asked for, and IPv6 only where the network has it", async () => {
    networks.create({ Name: "front" });
    const settings = {
      IPAMConfig: { LinkLocalIPs: ["169.254.34.68"] },
      DriverOpts: {
        "com.docker.network.endpoint.ifname": "lan0",
        "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1",
      },
    };
    const asked = { ...request("web", "front"), endpoints: { front: settings } };
    const [web] = await attach(asked);
    const addresses = (await inside(web, "ip", "-o", "addr", "show", "lan0")).stdout;
    expect(addresses).toContain("inet 169.254.34.68/16 brd 169.254.255.255");
    expect(addresses).not.toContain("inet6");
    expect((await inside(web, "cat", "/proc/sys/net/ipv4/conf/lan0/log_martians")).stdout).toBe("1");
    // What cannot be had leaves nothing behind.
    networks.create({ Name: "back" });
    const impossible = { IPAMConfig: { LinkLocalIPs: ["fe80::1"] } };
    await expect(networks.connect(asked.containerId, "web", "back", impossible)).rejects.toThrow("IPv6 is disabled");
    expect((await inside(web, "ip", "-o", "link")).stdout).not.toContain("eth0");
    await networks.connect(asked.containerId, "web", "back", {});
  });

  it("can be joined and left while the container runs", async () => {
    networks.create({ Name: "front" });
    networks.create({ Name: "back" });
    const web = request("web", "front");
    const [webResult, db] = await attach(web, request("db", "back"));
    await serve(db, 5432, "db");
    await networks.connect(web.containerId, "web", "back", {});
    expect(await ask(addressOf(db, "back"), 5432, { from: webResult })).toContain("db");
    await networks.disconnect(web.containerId, "back");
    expect(await ask(addressOf(db, "back"), 5432, { from: webResult })).toBe("");
  });
});

describe("names", () => {
  const lookUp = async (from: AttachResult | undefined, server: string, name: string, type = 4) => {
    const script = `const r=new (require("dns").promises.Resolver)();r.setServers([process.argv[1]]);r.resolve${type}(process.argv[2]).then((a)=>console.log(a.sort().join(" ")),(e)=>console.log(e.code))`;
    return (await inside(from, process.execPath, "-e", script, server, name)).stdout;
  };

  const resolver = "127.0.0.11";
  const reverse = async (from: AttachResult | undefined, address: string) => {
    const script = `const r=new (require("dns").promises.Resolver)();r.setServers(["127.0.0.11"]);r.reverse(process.argv[1]).then((a)=>console.log(a.join(" ")),(e)=>console.log(e.code))`;
    return (await inside(from, process.execPath, "-e", script, address)).stdout;
  };
  /** A server in a container that knows one address for every name. */
  const serveDns = async (from: AttachResult | undefined, address: string) => {
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, ...address.split(".").map(Number)]).toString("hex");
    const script = `const u=require("dgram").createSocket("udp4");u.on("message",(m,f)=>{m[2]=0x81;m[3]=0x80;m[7]=1;u.send(Buffer.concat([m,Buffer.from("${record}","hex")]),f.port,f.address)});u.bind(53)`;
    processes.push(execa("nsenter", [`--net=${from?.netnsPath}`, process.execPath, "-e", script], { reject: false }));
    await until(async () => (await inside(from, "ss", "-lnuH", "sport", "=", ":53")).stdout !== "", {
      timeoutMs: 10_000,
      what: "a DNS server",
    });
  };

  it("resolve by DNS from the gateway: containers, aliases, several replicas; not those of other networks", async () => {
    const front = networks.create({ Name: "front" });
    networks.create({ Name: "back" });
    const gateway = front.IPAM.Config[0]?.Gateway ?? "";
    const [web, one, two] = await attach(
      request("web", "front"),
      request("p-api-1", "front", { aliases: ["api"] }),
      request("p-api-2", "front", { aliases: ["api"] }),
      request("secret", "back"),
    );
    expect(await lookUp(web, gateway, "p-api-1")).toBe(addressOf(one, "front"));
    expect(await lookUp(web, gateway, "API")).toBe([addressOf(one, "front"), addressOf(two, "front")].sort().join(" "));
    expect(await lookUp(web, gateway, "p-api-1.front")).toBe(addressOf(one, "front"));
    // A known name has no IPv6 address: an answer without records, not a search elsewhere.
    expect(await lookUp(web, gateway, "api", 6)).toBe("ENODATA");
    expect(await lookUp(web, gateway, "secret")).not.toMatch(/^[\d.]+$/);
  });

  it("resolve at 127.0.0.11 in each container, over UDP and TCP: those of all its networks, also of one that it joins later", async () => {
    networks.create({ Name: "front" });
    networks.create({ Name: "back", Internal: true });
    const web = request("web", "front");
    const [webResult, api, both] = await attach(web, request("api", "front"), request("both", ["front", "back"]), request("db", "back"));
    expect(await lookUp(webResult, resolver, "api")).toBe(addressOf(api, "front"));
    expect(await lookUp(webResult, resolver, "db")).not.toMatch(/^[\d.]+$/);
    expect(await lookUp(both, resolver, "api")).toBe(addressOf(api, "front"));
    expect(await lookUp(both, resolver, "db")).toMatch(/^[\d.]+$/);
    await networks.connect(web.containerId, "web", "back", {});
    expect(await lookUp(webResult, resolver, "db")).toMatch(/^[\d.]+$/);
    expect(await reverse(webResult, addressOf(api, "front"))).toBe("api.front");
    const question = packet.streamEncode({ type: "query", id: 7, questions: [{ type: "A", name: "both.back" }] }).toString("hex");
    const script = `const s=require("net").connect(53,"127.0.0.11");s.on("data",(d)=>{console.log(d.toString("hex"));s.end()});s.write(Buffer.from(process.argv[1],"hex"))`;
    const answer = packet.streamDecode(Buffer.from((await inside(webResult, process.execPath, "-e", script, question)).stdout, "hex"));
    expect(answer.answers).toMatchObject([{ type: "A", name: "both.back", data: addressOf(both, "back") }]);
  });

  it("leave the container's own port 53 free, and nothing of the default bridge answers at 127.0.0.11", async () => {
    networks.create({ Name: "front" });
    const [own, plain] = await attach(request("own", "front"), request("plain", "bridge"));
    await serve(own, 53, "mine");
    expect(await ask("127.0.0.1", 53, { from: own })).toContain("mine");
    expect(await ask("127.0.0.1", 53, { from: own, udp: true })).toBe("mine");
    expect(await lookUp(own, resolver, "own")).toBe(addressOf(own, "front"));
    expect(await lookUp(plain, resolver, "plain")).toBe("ECONNREFUSED");
  });

  it("of the world are asked of the container's own servers from where it is, and of nobody from an internal network", async () => {
    networks.create({ Name: "front" });
    networks.create({ Name: "closed", Internal: true });
    const [server] = await attach(request("server", "front"));
    const dns = [addressOf(server, "front")];
    await serveDns(server, "192.0.2.7");
    const [out, shut] = await attach(request("out", "front", { dns }), request("shut", "closed", { dns }));
    expect(await lookUp(out, resolver, "www.example.org")).toBe("192.0.2.7");
    expect(await lookUp(shut, resolver, "www.example.org")).toBe("ESERVFAIL");
  });

  it("are refused at once while no engine runs, and answered by the next one", async () => {
    networks.create({ Name: "front" });
    const [web, api] = await attach(request("web", "front"), request("api", "front"));
    await networks.close();
    expect(await lookUp(web, resolver, "api")).toBe("ECONNREFUSED");
    networks = new Networks({ root, instance, log });
    await networks.open();
    expect(await lookUp(web, resolver, "api")).toBe(addressOf(api, "front"));
  });

  it("are in the hosts file, so that they resolve without an engine", async () => {
    networks.create({ Name: "front" });
    const web = request("web", "front");
    const [, api] = await attach(web, request("p-api-1", "front", { aliases: ["api"] }));
    const text = networks.hostsFile(web.containerId, { hostname: "web", domainname: "", extraHosts: ["me:host-gateway"] });
    expect(text).toMatch(new RegExp(`^${addressOf(api, "front")}\tp-api-1 api `, "m"));
    expect(text).toMatch(/^172\.\d+\.0\.1\tme$/m);
  });

  it("are told to everybody on the network when one comes or goes", async () => {
    networks.create({ Name: "front" });
    const told: string[][] = [];
    networks.onNamesChanged((containerIds) => told.push([...containerIds]));
    const [one, two] = [request("one", "front"), request("two", "front")];
    await attach(one);
    await attach(two);
    expect(told.at(-1)?.sort()).toEqual([one.containerId, two.containerId].sort());
    await networks.detach([two.containerId]);
    expect(told.at(-1)).toEqual([one.containerId]);
  });
});

describe("a published port", () => {
  it("answers on 127.0.0.1, ::1, the host's address and from containers of every network", async () => {
    networks.create({ Name: "front" });
    networks.create({ Name: "back" });
    const port = await freePort();
    const [web, other, stranger] = await attach(
      request("web", "front", { ports: { "80/tcp": [{ HostPort: String(port) }] } }),
      request("other", "front"),
      request("stranger", "back"),
    );
    await serve(web, 80, "web");
    expect(web?.ports["80/tcp"]?.[0]).toEqual({ HostIp: "0.0.0.0", HostPort: String(port) });
    for (const host of ["127.0.0.1", "::1", hostAddress()]) expect(await ask(host, port), host).toContain("web");
    for (const from of [web, other, stranger]) expect(await ask(hostAddress(), port, { from })).toContain("web");
  });

  it("carries UDP", async () => {
    networks.create({ Name: "front" });
    const port = await freePort();
    const [web] = await attach(request("web", "front", { ports: { "53/udp": [{ HostPort: String(port) }] } }));
    await serve(web, 53, "udp");
    for (const host of ["127.0.0.1", "::1", hostAddress()]) expect(await ask(host, port, { udp: true }), host).toBe("udp");
  });

  it("stays on the host address that was given", async () => {
    networks.create({ Name: "front" });
    const port = await freePort();
    const [web] = await attach(request("web", "front", { ports: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: String(port) }] } }));
    await serve(web, 80, "web");
    expect(await ask("127.0.0.1", port)).toContain("web");
    expect(await ask(hostAddress(), port)).not.toContain("web");
  });

  it("without a number gets one, the same for IPv4 and IPv6", async () => {
    networks.create({ Name: "front" });
    const [web] = await attach(request("web", "front", { exposed: ["80/tcp"], publishAll: true }));
    const bindings = web?.ports["80/tcp"] ?? [];
    expect(Number(bindings[0]?.HostPort)).toBeGreaterThan(0);
    expect(new Set(bindings.map((binding) => binding.HostPort)).size).toBe(1);
  });

  it("that somebody has is refused with the process's name, and nothing is attached", async () => {
    networks.create({ Name: "front" });
    const server = createServer().listen(0, "0.0.0.0");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    try {
      const attempt = attach(request("web", "front", { ports: { "80/tcp": [{ HostPort: String(port) }] } }));
      const error = await attempt.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        message: expect.stringMatching(
          new RegExp(`endpoint web \\(.*\\): failed to bind host port for 0.0.0.0:${port}:.*:80/tcp: address already in use$`),
        ),
        hint: expect.stringContaining(`pid ${process.pid} `),
      });
      expect(networks.containersOf(networks.get("front").Id)).toEqual({});
    } finally {
      server.close();
    }
  });

  it("that another container has is refused with that container's name", async () => {
    networks.create({ Name: "front" });
    const port = String(await freePort());
    await attach(request("first", "front", { ports: { "80/tcp": [{ HostPort: port }] } }));
    await expect(attach(request("second", "front", { ports: { "80/tcp": [{ HostPort: port }] } }))).rejects.toMatchObject({
      message: expect.stringMatching(new RegExp(`Bind for 0.0.0.0:${port} failed: port is already allocated$`)),
      hint: expect.stringContaining("Container first has it."),
    });
  });

  it("of a range is the first free one", async () => {
    networks.create({ Name: "front" });
    const port = await freePort();
    const range = `${port}-${port + 5}`;
    const [one, two] = await attach(
      request("one", "front", { ports: { "80/tcp": [{ HostPort: range }] } }),
      request("two", "front", { ports: { "80/tcp": [{ HostPort: range }] } }),
    );
    const given = [one, two].map((result) => Number(result?.ports["80/tcp"]?.[0]?.HostPort));
    expect(given[0]).toBe(port);
    expect(given[1]).toBeGreaterThan(port);
    expect(given[1]).toBeLessThanOrEqual(port + 5);
  });

  it("still answers on IPv4 while no engine runs, and fully after the next engine opened", async () => {
    networks.create({ Name: "front" });
    const port = await freePort();
    const [web] = await attach(request("web", "front", { ports: { "80/tcp": [{ HostPort: String(port) }] } }));
    await serve(web, 80, "web");
    await networks.close();
    expect(await ask("127.0.0.1", port)).toContain("web");
    networks = new Networks({ root, instance, log });
    expect(await networks.open()).toEqual([]);
    for (const host of ["127.0.0.1", "::1", hostAddress()]) expect(await ask(host, port), host).toContain("web");
    expect(warnings).toEqual([]);
  });
});

describe("records", () => {
  it("that cannot be read are moved aside and named; the rest goes on", async () => {
    networks.create({ Name: "front" });
    await networks.close();
    writeFileSync(join(root, "networks", "broken.json"), '{"network":');
    networks = new Networks({ root, instance, log });
    const bad = await networks.open();
    expect(bad).toHaveLength(1);
    expect(bad[0]).toContain("broken.json.corrupt-");
    expect(networks.find("front")?.Name).toBe("front");
  });
});
