import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { ask, freePort, hostAddress, NetworkRoom, request } from "../../support/network-room.ts";

const room = new NetworkRoom();

describe("a published port", () => {
  it("answers on 127.0.0.1, ::1, the host's address and from containers of every network", async () => {
    room.networks.create({ Name: "front" });
    room.networks.create({ Name: "back" });
    const port = await freePort();
    const [web, other, stranger] = await room.attach(
      request("web", "front", { ports: { "80/tcp": [{ HostPort: String(port) }] } }),
      request("other", "front"),
      request("stranger", "back"),
    );
    await room.serve(web, 80, "web");
    expect(web?.ports["80/tcp"]?.[0]).toEqual({ HostIp: "0.0.0.0", HostPort: String(port) });
    for (const host of ["127.0.0.1", "::1", hostAddress()]) expect(await ask(host, port), host).toContain("web");
    for (const from of [web, other, stranger]) expect(await ask(hostAddress(), port, { from })).toContain("web");
  });

  it("carries UDP", async () => {
    room.networks.create({ Name: "front" });
    const port = await freePort();
    const [web] = await room.attach(request("web", "front", { ports: { "53/udp": [{ HostPort: String(port) }] } }));
    await room.serve(web, 53, "udp");
    for (const host of ["127.0.0.1", "::1", hostAddress()]) expect(await ask(host, port, { udp: true }), host).toBe("udp");
  });

  it("stays on the host address that was given", async () => {
    room.networks.create({ Name: "front" });
    const port = await freePort();
    const [web] = await room.attach(request("web", "front", { ports: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: String(port) }] } }));
    await room.serve(web, 80, "web");
    expect(await ask("127.0.0.1", port)).toContain("web");
    expect(await ask(hostAddress(), port)).not.toContain("web");
  });

  it("without a number gets one, the same for IPv4 and IPv6", async () => {
    room.networks.create({ Name: "front" });
    const [web] = await room.attach(request("web", "front", { exposed: ["80/tcp"], publishAll: true }));
    const bindings = web?.ports["80/tcp"] ?? [];
    expect(Number(bindings[0]?.HostPort)).toBeGreaterThan(0);
    expect(new Set(bindings.map((binding) => binding.HostPort)).size).toBe(1);
  });

  it("that somebody has is refused with the process's name, and nothing is attached", async () => {
    room.networks.create({ Name: "front" });
    const server = createServer().listen(0, "0.0.0.0");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    try {
      const attempt = room.attach(request("web", "front", { ports: { "80/tcp": [{ HostPort: String(port) }] } }));
      const error = await attempt.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        message: expect.stringMatching(
          new RegExp(`endpoint web \\(.*\\): failed to bind host port for 0.0.0.0:${port}:.*:80/tcp: address already in use$`),
        ),
        hint: expect.stringContaining(`pid ${process.pid} `),
      });
      expect(room.networks.containersOf(room.networks.get("front").Id)).toEqual({});
    } finally {
      server.close();
    }
  });

  it("that another container has is refused with that container's name", async () => {
    room.networks.create({ Name: "front" });
    const port = String(await freePort());
    await room.attach(request("first", "front", { ports: { "80/tcp": [{ HostPort: port }] } }));
    await expect(room.attach(request("second", "front", { ports: { "80/tcp": [{ HostPort: port }] } }))).rejects.toMatchObject({
      message: expect.stringMatching(new RegExp(`Bind for 0.0.0.0:${port} failed: port is already allocated$`)),
      hint: expect.stringContaining("Container first has it."),
    });
  });

  it("of a range is the first free one", async () => {
    room.networks.create({ Name: "front" });
    const port = await freePort();
    const range = `${port}-${port + 5}`;
    const [one, two] = await room.attach(
      request("one", "front", { ports: { "80/tcp": [{ HostPort: range }] } }),
      request("two", "front", { ports: { "80/tcp": [{ HostPort: range }] } }),
    );
    const given = [one, two].map((result) => Number(result?.ports["80/tcp"]?.[0]?.HostPort));
    expect(given[0]).toBe(port);
    expect(given[1]).toBeGreaterThan(port);
    expect(given[1]).toBeLessThanOrEqual(port + 5);
  });

  it("still answers on IPv4 while no engine runs, and fully after the next engine opened", async () => {
    room.networks.create({ Name: "front" });
    const port = await freePort();
    const [web] = await room.attach(request("web", "front", { ports: { "80/tcp": [{ HostPort: String(port) }] } }));
    await room.serve(web, 80, "web");
    await room.networks.close();
    expect(await ask("127.0.0.1", port)).toContain("web");
    room.networks = room.next();
    expect(await room.networks.open()).toEqual([]);
    for (const host of ["127.0.0.1", "::1", hostAddress()]) expect(await ask(host, port), host).toContain("web");
    // Whoever else changes rules on this machine at that moment makes it look, and say so.
    expect(room.warnings.filter((text) => !text.startsWith("somebody may have changed"))).toEqual([]);
  });
});
