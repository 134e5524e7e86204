import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { NetworkCreateBody } from "../../../src/api/index.ts";
import { addressOf, ask, freePort, hostAddress, inside, NetworkRoom, request } from "../../support/network-room.ts";
import { until } from "../../support/until.ts";

const room = new NetworkRoom();

describe("a network", () => {
  it("connects its containers and keeps them from those of another", async () => {
    room.networks.create({ Name: "front" });
    room.networks.create({ Name: "back" });
    const [web, db, both] = await room.attach(request("web", "front"), request("db", "back"), request("both", ["front", "back"]));
    await room.serve(db, 5432, "db");
    expect(await ask(addressOf(db, "back"), 5432, { from: both })).toContain("db");
    expect(await ask(addressOf(db, "back"), 5432, { from: web })).toBe("");
  });

  it("keeps a container's address until the container is released", async () => {
    room.networks.create({ Name: "front" });
    const one = request("one", "front");
    const [first] = await room.attach(one);
    await room.networks.detach([one.containerId]);
    const [other] = await room.attach(request("other", "front"));
    const [again] = await room.attach(one);
    expect(addressOf(again, "front")).toBe(addressOf(first, "front"));
    expect(addressOf(other, "front")).not.toBe(addressOf(first, "front"));
  });

  it("gives the address that was asked for, and says who has it when it is taken", async () => {
    room.networks.create({ Name: "fixed", IPAM: { Config: [{ Subnet: "10.231.7.0/24" }] } });
    const asked = (name: string, address: string) => ({
      ...request(name, "fixed"),
      endpoints: { fixed: { IPAMConfig: { IPv4Address: address } } },
    });
    const [one] = await room.attach(asked("one", "10.231.7.9"));
    expect(addressOf(one, "fixed")).toBe("10.231.7.9");
    await expect(room.attach(asked("two", "10.231.7.9"))).rejects.toThrow("10.231.7.9 on network fixed is one's");
    await expect(room.attach(asked("two", "10.9.9.9"))).rejects.toThrow("10.9.9.9 is not in its subnet 10.231.7.0/24");
    await expect(room.attach(asked("two", "10.231.7.1"))).rejects.toThrow("is the gateway's");
  });

  it("gives an address that a stopped container had to whoever asks for that very one; the other gets a new one when it starts again", async () => {
    room.networks.create({ Name: "fixed", IPAM: { Config: [{ Subnet: "10.231.7.0/24" }] } });
    const settings = { IPAMConfig: { IPv4Address: "10.231.7.2" } };
    const stopped = request("stopped", "fixed");
    const [before] = await room.attach(stopped);
    const asking = { ...request("asking", "fixed"), endpoints: { fixed: settings } };
    // It does not run: whether the address is free is a matter of its start.
    expect(await room.networks.connect(asking.containerId, "asking", "fixed", settings)).toEqual(settings);
    await expect(room.attach(asking)).rejects.toThrow("Address already in use: 10.231.7.2 on network fixed is stopped's");
    await room.networks.detach([stopped.containerId]);
    const [asked] = await room.attach(asking);
    const [after] = await room.attach(stopped);
    expect([before, asked, after].map((result) => addressOf(result, "fixed"))).toEqual(["10.231.7.2", "10.231.7.2", "10.231.7.3"]);
  });

  it("has IPv6 inside where it was asked for", async () => {
    room.networks.create({ Name: "six", EnableIPv6: true });
    const [one, two] = await room.attach(request("one", "six"), request("two", "six"));
    await room.serve(one, 8080, "six");
    expect(await ask(one?.networks["six"]?.GlobalIPv6Address ?? "", 8080, { from: two })).toContain("six");
  });

  it("that is internal has no way out and no way in", async () => {
    room.networks.create({ Name: "closed", Internal: true });
    const [one] = await room.attach(request("one", "closed"));
    expect((await inside(one, "ip", "route")).stdout).not.toContain("default");
  });

  it("reaches the world through the host's address", async () => {
    room.networks.create({ Name: "front" });
    const [one] = await room.attach(request("one", "front"));
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
    room.networks.create({ Name: "front" });
    const one = request("one", "front");
    await room.attach(one);
    await expect(room.networks.remove("front")).rejects.toThrow(
      `network front has active endpoints (name:"one" id:"${one.containerId.slice(0, 12)}")`,
    );
    await room.networks.release(one.containerId);
    const { Id } = await room.networks.remove("front");
    expect(execFileSync("ip", ["-o", "link"], { encoding: "utf8" })).not.toContain(Id.slice(0, 12));
    expect(room.networks.find("front")).toBeUndefined();
  });

  it("knows a container no more that has left, and what that had in the kernel is gone a moment later", async () => {
    room.networks.create({ Name: "front" });
    const port = await freePort();
    const ports = { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: String(port) }] };
    const [leaving, staying] = [request("leaving", "front", { ports }), request("staying", "front")];
    const [before] = await room.attach(leaving, staying);
    room.networks.leave(leaving.containerId);
    expect(Object.values(room.networks.containersOf(room.networks.get("front").Id)).map((one) => one.Name)).toEqual(["staying"]);
    const left = () => room.kernelNames().filter((line) => line.includes(leaving.containerId.slice(0, 12)));
    await until(() => left().length === 0, { timeoutMs: 10_000, what: "its namespace to go" });
    // Its address stays its own until it is released; then the next one has it, and its port, at once.
    room.networks.release(leaving.containerId);
    const [next] = await room.attach(request("next", "front", { ports }));
    expect(addressOf(next, "front")).toBe(addressOf(before, "front"));
    await room.serve(next, 80, "next");
    expect(await ask("127.0.0.1", port)).toContain("next");
  });

  it("fails for the one alone whose interface the kernel refuses, and leaves nothing of that", async () => {
    room.networks.create({ Name: "front" });
    const [good, bad] = [request("good", "front"), request("bad", "front")];
    // No interface can have a multicast address.
    const refused = { ...bad, endpoints: { front: { MacAddress: "01:00:5e:00:00:01" } } };
    const results = await room.networks.attach([good, refused]);
    const ends = await Promise.allSettled(results.map((result) => result.ready));
    expect(ends.map((end) => end.status)).toEqual(["fulfilled", "rejected"]);
    expect((await inside(results[0], "ip", "-4", "-o", "addr", "show", "eth0")).stdout).toContain(addressOf(results[0], "front"));
    expect(Object.values(room.networks.containersOf(room.networks.get("front").Id)).map((one) => one.Name)).toEqual(["good"]);
    expect(room.kernelNames().filter((line) => line.includes(bad.containerId.slice(0, 12)))).toEqual([]);
  });

  it("gives a container that comes back at once, or takes the place of another, what it is to have", async () => {
    room.networks.create({ Name: "front" });
    const [one, other] = [request("one", "front"), request("other", "front")];
    const [before] = await room.attach(one);
    room.networks.leave(one.containerId);
    const [again] = await room.attach(one);
    expect(addressOf(again, "front")).toBe(addressOf(before, "front"));
    await room.serve(again, 80, "one");
    room.networks.release(one.containerId);
    const [instead] = await room.attach(other);
    expect(addressOf(instead, "front")).toBe(addressOf(before, "front"));
    expect((await inside(instead, "ip", "-4", "-o", "addr", "show", "eth0")).stdout).toContain(addressOf(before, "front"));
    expect(room.kernelNames().filter((line) => line.includes(one.containerId.slice(0, 12)))).toEqual([]);
  });

  it("takes with it whatever has left it, when it is removed, also together with others", async () => {
    room.networks.create({ Name: "front" });
    room.networks.create({ Name: "back" });
    const links = room.networks.list().map((network) => `br-${network.Id.slice(0, 12)}`);
    const both = request("both", ["front", "back"]);
    await room.attach(both);
    room.networks.release(both.containerId);
    await Promise.all([room.networks.remove("front"), room.networks.remove("back")]);
    const there = execFileSync("ip", ["-o", "link"], { encoding: "utf8" });
    expect(links.filter((link) => there.includes(link))).toEqual([]);
    expect(there).not.toContain(`ve${both.containerId.slice(0, 5)}`);
    expect(room.kernelNames()).toEqual([]);
  });

  it("leaves no namespace of a container that an engine was about to clear when it was killed", async () => {
    room.networks.create({ Name: "front" });
    const [one, stopped] = [request("one", "front"), request("stopped", "front")];
    await room.attach(one, stopped);
    await room.networks.detach([stopped.containerId]);
    execFileSync("ip", ["netns", "add", `berth-${room.instance}-0123456789ab`]);
    const next = room.next();
    await next.open();
    const names = room.kernelNames().filter((line) => line.includes("berth-"));
    expect(names.some((line) => line.includes("0123456789ab") || line.includes(stopped.containerId.slice(0, 12)))).toBe(false);
    expect(names.some((line) => line.includes(one.containerId.slice(0, 12)))).toBe(true);
    expect(Object.values(next.containersOf(next.get("front").Id)).map((container) => container.Name)).toEqual(["one"]);
    await next.close();
  });

  it("cannot take a subnet that another one has", () => {
    room.networks.create({ Name: "one", IPAM: { Config: [{ Subnet: "10.231.0.0/16" }] } });
    expect(() => room.networks.create({ Name: "two", IPAM: { Config: [{ Subnet: "10.231.7.0/24" }] } })).toThrow("is part of network one");
  });

  it("shows a gateway where somebody asked for one, and has the first address of its range otherwise", () => {
    const config = (name: string, ...Config: { Subnet?: string; Gateway?: string; IPRange?: string | null }[]) => {
      const network = room.networks.create({ Name: name, IPAM: { Config } } as NetworkCreateBody);
      return [room.networks.shown(network).IPAM.Config[0]?.Gateway, network.IPAM.Config[0]?.Gateway];
    };
    expect(config("quiet", { Subnet: "10.231.0.0/24" })).toEqual([undefined, "10.231.0.1"]);
    expect(config("asked", { Subnet: "10.231.1.0/24", Gateway: "10.231.1.9" })).toEqual(["10.231.1.9", "10.231.1.9"]);
    expect(config("ranged", { Subnet: "10.231.2.0/24", IPRange: "10.231.2.128/25" })).toEqual([undefined, "10.231.2.128"]);
    // docker-py sends null for what nobody asked for, other clients an empty text.
    expect(config("null", { Subnet: "10.231.4.0/24", IPRange: null })).toEqual([undefined, "10.231.4.1"]);
    expect(config("empty", { Subnet: "10.231.5.0/24", IPRange: "" })).toEqual([undefined, "10.231.5.1"]);
    expect(config("tiny", { Subnet: "10.231.3.0/31" })).toEqual([undefined, "10.231.3.0"]);
    const [shown, kept] = config("chosen");
    expect(shown).toBe(kept);
    expect(room.networks.shown(room.networks.get("none")).IPAM.Config).toBe(null);
    expect(room.networks.shown(room.networks.get("bridge")).Options).toMatchObject({
      "com.docker.network.bridge.enable_icc": "true",
      "com.docker.network.bridge.name": expect.stringMatching(/^br-/),
    });
  });

  it("refuses what Docker refuses of its addresses", () => {
    const refused = (Config: object[], more: object = {}) => {
      expect(() => room.networks.create({ Name: "r", ...more, IPAM: { Config } as never })).toThrow();
      try {
        room.networks.create({ Name: "r", ...more, IPAM: { Config } as never });
      } catch (error) {
        return String(error);
      }
      return "";
    };
    expect(refused([{ Subnet: "10.231.0.0/24", AuxiliaryAddresses: { b: "10.231.0.1" } }])).toContain(
      "failed to allocate secondary ip address (b:10.231.0.1): Address already in use",
    );
    expect(refused([{ Subnet: "10.231.0.0/16" }, { Subnet: "10.231.1.0/24" }])).toContain("Pool overlaps with other one");
    expect(refused([{ Subnet: "10.231.0.0/24" }, { Subnet: "10.232.1.0/24" }])).toContain("doesn't support multiple subnets");
    expect(refused([], { Options: { "com.docker.network.enable_ipv4": "false" } })).toContain("IPv4 or IPv6 must be enabled");
  });

  it("gives no address of a family that it does not have", async () => {
    room.networks.create({ Name: "four", EnableIPv6: false, IPAM: { Config: [{ Subnet: "10.231.4.0/24" }, { Subnet: "fd00:231::/64" }] } });
    const [result] = await room.attach(request("web", "four"));
    expect(result?.networks["four"]).toMatchObject({
      IPAddress: "10.231.4.2",
      GlobalIPv6Address: "",
      IPv6Gateway: "",
      GlobalIPv6PrefixLen: 0,
    });
  });

  it("of an interface of the host has its own addresses there, names, and nothing of the host's", async () => {
    const parent = `mv${process.pid % 1e6}`;
    execFileSync("ip", ["link", "add", parent, "type", "veth", "peer", "name", `${parent}p`]);
    try {
      for (const end of [parent, `${parent}p`]) execFileSync("ip", ["link", "set", end, "up"]);
      room.networks.create({ Name: "lan", Driver: "macvlan", Options: { parent }, IPAM: { Config: [{ Subnet: "10.231.9.0/24" }] } });
      const web = request("web", "lan");
      const [webResult, db] = await room.attach(web, request("db", "lan"));
      expect((await inside(webResult, "ip", "route")).stdout).toContain("default via 10.231.9.1 dev eth0");
      await room.serve(db, 5432, "db");
      expect(await ask(addressOf(db, "lan"), 5432, { from: webResult })).toContain("db");
      expect(await ask(addressOf(db, "lan"), 5432)).toBe("");
      expect(room.networks.hostsFile(web.containerId, { hostname: "web", domainname: "", extraHosts: [] })).toMatch(
        /^10\.231\.9\.\d+\tdb /m,
      );
      // At once again, with the same hardware address.
      const mac = webResult?.networks["lan"]?.MacAddress;
      room.networks.leave(web.containerId);
      const [again] = await room.attach(web);
      expect(again?.networks["lan"]?.MacAddress).toBe(mac);
      await room.networks.disconnect(web.containerId, "lan");
      expect((await inside(again, "ip", "-o", "link")).stdout).not.toContain("eth0");
      room.networks.release(web.containerId);
    } finally {
      execFileSync("ip", ["link", "del", parent]);
    }
  });

  it("leads out by another one when the one that did is left, and by the one with the highest priority", async () => {
    for (const [index, name] of ["a", "b", "c"].entries())
      room.networks.create({ Name: name, IPAM: { Config: [{ Subnet: `10.231.${20 + index}.0/24` }] } });
    const web = { ...request("web", []), endpoints: { a: {}, b: { GwPriority: 5 } } };
    const [result] = await room.attach(web);
    const gateway = async () => /default via (\S+)/.exec((await inside(result, "ip", "route")).stdout)?.[1];
    expect(await gateway()).toBe("10.231.21.1");
    await room.networks.disconnect(web.containerId, "b");
    expect(await gateway()).toBe("10.231.20.1");
    await room.networks.connect(web.containerId, "web", "c", { GwPriority: 1 });
    expect(await gateway()).toBe("10.231.22.1");
  });

  it("gives an interface the name, settings and link-local addresses that are asked for, and IPv6 only where the network has it", async () => {
    room.networks.create({ Name: "front" });
    const settings = {
      IPAMConfig: { LinkLocalIPs: ["169.254.34.68"] },
      DriverOpts: {
        "com.docker.network.endpoint.ifname": "lan0",
        "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1",
      },
    };
    const asked = { ...request("web", "front"), endpoints: { front: settings } };
    const [web] = await room.attach(asked);
    const addresses = (await inside(web, "ip", "-o", "addr", "show", "lan0")).stdout;
    expect(addresses).toContain("inet 169.254.34.68/16 brd 169.254.255.255");
    expect(addresses).not.toContain("inet6");
    expect((await inside(web, "cat", "/proc/sys/net/ipv4/conf/lan0/log_martians")).stdout).toBe("1");
    // What cannot be had leaves nothing behind.
    room.networks.create({ Name: "back" });
    const impossible = { IPAMConfig: { LinkLocalIPs: ["fe80::1"] } };
    await expect(room.networks.connect(asked.containerId, "web", "back", impossible)).rejects.toThrow("IPv6 is disabled");
    expect((await inside(web, "ip", "-o", "link")).stdout).not.toContain("eth0");
    await room.networks.connect(asked.containerId, "web", "back", {});
  });

  it("can be joined and left while the container runs", async () => {
    room.networks.create({ Name: "front" });
    room.networks.create({ Name: "back" });
    const web = request("web", "front");
    const [webResult, db] = await room.attach(web, request("db", "back"));
    await room.serve(db, 5432, "db");
    await room.networks.connect(web.containerId, "web", "back", {});
    expect(await ask(addressOf(db, "back"), 5432, { from: webResult })).toContain("db");
    await room.networks.disconnect(web.containerId, "back");
    expect(await ask(addressOf(db, "back"), 5432, { from: webResult })).toBe("");
  });
});

describe("records", () => {
  it("that cannot be read are moved aside and named; the rest goes on", async () => {
    room.networks.create({ Name: "front" });
    await room.networks.close();
    writeFileSync(join(room.root, "networks", "broken.json"), '{"network":');
    room.networks = room.next();
    const bad = await room.networks.open();
    expect(bad).toHaveLength(1);
    expect(bad[0]).toContain("broken.json.corrupt-");
    expect(room.networks.find("front")?.Name).toBe("front");
  });
});
