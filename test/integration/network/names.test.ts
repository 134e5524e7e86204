import packet from "dns-packet";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import type { AttachResult } from "../../../src/network/index.ts";
import { addressOf, ask, inside, NetworkRoom, request } from "../../support/network-room.ts";
import { until } from "../../support/until.ts";

const room = new NetworkRoom();

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
    room.processes.push(execa("nsenter", [`--net=${from?.netnsPath}`, process.execPath, "-e", script], { reject: false }));
    await until(async () => (await inside(from, "ss", "-lnuH", "sport", "=", ":53")).stdout !== "", {
      timeoutMs: 10_000,
      what: "a DNS server",
    });
  };

  it("resolve by DNS from the gateway: containers, aliases, several replicas; not those of other networks", async () => {
    const front = room.networks.create({ Name: "front" });
    room.networks.create({ Name: "back" });
    const gateway = front.IPAM.Config[0]?.Gateway ?? "";
    const [web, one, two] = await room.attach(
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
    room.networks.create({ Name: "front" });
    room.networks.create({ Name: "back", Internal: true });
    const web = request("web", "front");
    const [webResult, api, both] = await room.attach(
      web,
      request("api", "front"),
      request("both", ["front", "back"]),
      request("db", "back"),
    );
    expect(await lookUp(webResult, resolver, "api")).toBe(addressOf(api, "front"));
    expect(await lookUp(webResult, resolver, "db")).not.toMatch(/^[\d.]+$/);
    expect(await lookUp(both, resolver, "api")).toBe(addressOf(api, "front"));
    expect(await lookUp(both, resolver, "db")).toMatch(/^[\d.]+$/);
    await room.networks.connect(web.containerId, "web", "back", {});
    expect(await lookUp(webResult, resolver, "db")).toMatch(/^[\d.]+$/);
    expect(await reverse(webResult, addressOf(api, "front"))).toBe("api.front");
    const question = packet.streamEncode({ type: "query", id: 7, questions: [{ type: "A", name: "both.back" }] }).toString("hex");
    const script = `const s=require("net").connect(53,"127.0.0.11");s.on("data",(d)=>{console.log(d.toString("hex"));s.end()});s.write(Buffer.from(process.argv[1],"hex"))`;
    const answer = packet.streamDecode(Buffer.from((await inside(webResult, process.execPath, "-e", script, question)).stdout, "hex"));
    expect(answer.answers).toMatchObject([{ type: "A", name: "both.back", data: addressOf(both, "back") }]);
  });

  it("leave the container's own port 53 free, and nothing of the default bridge answers at 127.0.0.11", async () => {
    room.networks.create({ Name: "front" });
    const [own, plain] = await room.attach(request("own", "front"), request("plain", "bridge"));
    await room.serve(own, 53, "mine");
    expect(await ask("127.0.0.1", 53, { from: own })).toContain("mine");
    expect(await ask("127.0.0.1", 53, { from: own, udp: true })).toBe("mine");
    expect(await lookUp(own, resolver, "own")).toBe(addressOf(own, "front"));
    expect(await lookUp(plain, resolver, "plain")).toBe("ECONNREFUSED");
  });

  it("of the world are asked of the container's own servers from where it is, and of nobody from an internal network", async () => {
    room.networks.create({ Name: "front" });
    room.networks.create({ Name: "closed", Internal: true });
    const [server] = await room.attach(request("server", "front"));
    const dns = [addressOf(server, "front")];
    await serveDns(server, "192.0.2.7");
    const [out, shut] = await room.attach(request("out", "front", { dns }), request("shut", "closed", { dns }));
    expect(await lookUp(out, resolver, "www.example.org")).toBe("192.0.2.7");
    expect(await lookUp(shut, resolver, "www.example.org")).toBe("ESERVFAIL");
  });

  it("are refused at once while no engine runs, and answered by the next one", async () => {
    room.networks.create({ Name: "front" });
    const [web, api] = await room.attach(request("web", "front"), request("api", "front"));
    await room.networks.close();
    expect(await lookUp(web, resolver, "api")).toBe("ECONNREFUSED");
    room.networks = room.next();
    await room.networks.open();
    expect(await lookUp(web, resolver, "api")).toBe(addressOf(api, "front"));
  });

  it("are in the hosts file, so that they resolve without an engine", async () => {
    room.networks.create({ Name: "front" });
    const web = request("web", "front");
    const [, api] = await room.attach(web, request("p-api-1", "front", { aliases: ["api"] }));
    const text = room.networks.hostsFile(web.containerId, { hostname: "web", domainname: "", extraHosts: ["me:host-gateway"] });
    expect(text).toMatch(new RegExp(`^${addressOf(api, "front")}\tp-api-1 api `, "m"));
    expect(text).toMatch(/^\d+\.\d+\.\d+\.1\tme$/m);
  });

  it("are told to everybody on the network when one comes or goes", async () => {
    room.networks.create({ Name: "front" });
    const told: string[][] = [];
    room.networks.onNamesChanged((containerIds) => told.push([...containerIds]));
    const [one, two] = [request("one", "front"), request("two", "front")];
    await room.attach(one);
    await room.attach(two);
    expect(told.at(-1)?.sort()).toEqual([one.containerId, two.containerId].sort());
    await room.networks.detach([two.containerId]);
    expect(told.at(-1)).toEqual([one.containerId]);
  });
});
