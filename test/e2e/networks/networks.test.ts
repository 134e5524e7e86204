import { createSocket } from "node:dgram";
import { type AddressInfo, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { execa } from "execa";
import { expect, test } from "vitest";
import { hasEnded } from "../../../src/system/index.ts";
import { busyboxBerth } from "../../support/busybox-berth.ts";
import { type TestProject, testProject } from "../../support/project.ts";
import { until } from "../../support/until.ts";

const berth = await busyboxBerth();

const idle = "image: busybox\n    stop_signal: SIGKILL\n    command: sleep 100000";
const httpd = (text: string) =>
  `image: busybox\n    stop_signal: SIGKILL\n    command: sh -c 'mkdir /w; echo ${text} > /w/index.html; exec httpd -f -p 80 -h /w'`;
/** The body of an HTTP answer as a service gets it; empty where there is none. */
const ask = async (project: TestProject, service: string, host: string, port: number) => {
  const script = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 ${host} ${port} | tail -1`;
  return (await project.try("exec", "-T", service, "sh", "-c", script)).stdout.trim();
};
const get = async (url: string) => (await (await fetch(url, { signal: AbortSignal.timeout(5000) })).text()).trim();

test("service names, container names and aliases resolve, and all replicas answer", async () => {
  await using project = testProject(
    berth,
    `services:\n  a:\n    ${idle}\n    networks: {default: {aliases: [other]}}\n  b:\n    ${idle}\n    scale: 3\n`,
  );
  await project.berth("up", "-d");
  const lookup = async (name: string) =>
    (await project.berth("exec", "-T", "a", "nslookup", name)).match(/Address: +\d+\.\d+\.\d+\.\d+$/gm) ?? [];
  expect(new Set(await lookup("b")).size).toBe(3);
  expect(await lookup("other")).toHaveLength(1);
  expect(await lookup(`${project.name}-b-2`)).toHaveLength(1);
  expect((await project.try("exec", "-T", "a", "ping", "-c1", "-W2", "nobody")).exitCode).not.toBe(0);
});

test("names still resolve, and are still reached, while the engine is down", async () => {
  await using project = testProject(berth, `services:\n  a:\n    ${idle}\n  b:\n    ${idle}\n`);
  await project.berth("up", "-d");
  const pid = (await berth.ok(["docker", "inspect", "-f", "{{.State.Pid}}", `${project.name}-a-1`])).trim();
  const engine = berth.enginePid();
  process.kill(engine, "SIGKILL");
  await until(() => hasEnded(engine), { timeoutMs: 10_000, what: "the engine's end" });
  const { execFileSync } = await import("node:child_process");
  const ping = execFileSync("nsenter", ["-t", pid, "-m", "-n", "-r", "/bin/ping", "-c1", "-W2", "b"], { encoding: "utf8" });
  expect(ping).toContain("1 packets received");
  expect((await project.berth("ps", "--services", "--status", "running")).trim().split("\n").sort()).toEqual(["a", "b"]);
});

test("containers ask 127.0.0.11 as soon as one of their networks has names; an edited resolv.conf stays", async () => {
  const name = `dns-${process.pid}`;
  await berth.ok(["docker", "network", "create", name]);
  const servers = async (id: string) => (await berth.ok(["docker", "exec", id, "grep", "^[no]", "/etc/resolv.conf"])).trim().split("\n");
  const start = async (...args: string[]) => (await berth.ok(["docker", "run", "-d", ...args, "busybox", "sleep", "100000"])).trim();
  const ids = [await start("--net", name, "--dns", "192.0.2.1", "--dns-option", "timeout:1"), await start(), await start()];
  const [own = "", plain = "", edited = ""] = ids;
  expect(await servers(own)).toEqual(["nameserver 127.0.0.11", "options timeout:1 ndots:0"]);
  expect(await servers(plain)).not.toContain("nameserver 127.0.0.11");
  await berth.ok(["docker", "exec", edited, "sh", "-c", "echo nameserver 192.0.2.9 > /etc/resolv.conf"]);
  for (const id of [plain, edited]) await berth.ok(["docker", "network", "connect", name, id]);
  expect(await servers(plain)).toContain("nameserver 127.0.0.11");
  expect(await berth.ok(["docker", "exec", plain, "nslookup", own.slice(0, 12)])).toContain("127.0.0.11:53");
  expect(await servers(edited)).toEqual(["nameserver 192.0.2.9"]);
  await berth.ok(["docker", "rm", "-f", ...ids]);
  await berth.ok(["docker", "network", "rm", name]);
});

test("what a container writes into its hosts file stays; one on its network has the same files, and a new name is found", async () => {
  const name = `files-${process.pid}`;
  await berth.ok(["docker", "network", "create", name]);
  const start = async (as: string, ...args: string[]) =>
    (await berth.ok(["docker", "run", "-d", "--name", as, ...args, "busybox", "sleep", "100000"])).trim();
  const sh = (id: string, script: string) => berth.ok(["docker", "exec", id, "sh", "-c", script]);
  const first = await start(`${name}-1`, "--net", name, "--dns-option", "timeout:2");
  const guest = await start(`${name}-g`, "--net", `container:${name}-1`);
  await sh(first, "echo 192.0.2.7 mine >> /etc/hosts");
  const second = await start(`${name}-2`, "--net", name);
  for (const id of [first, guest]) {
    expect(await sh(id, "cat /etc/hosts")).toMatch(new RegExp(`\t${name}-2 [^]*192\\.0\\.2\\.7 mine`));
    expect(await sh(id, "grep -v '#' /etc/resolv.conf")).toContain("nameserver 127.0.0.11\noptions timeout:2 ndots:0\n");
  }
  await berth.ok(["docker", "rename", second, `${name}-3`]);
  expect(await sh(guest, `nslookup ${name}-3`)).toContain("127.0.0.11:53");
  await expect(sh(guest, `nslookup ${name}-2`)).rejects.toThrow();
  await berth.ok(["docker", "rm", "-f", first, second, guest]);
  await berth.ok(["docker", "network", "rm", name]);
});

test("what cannot be connected is refused in Docker's words", async () => {
  const name = `refused-${process.pid}`;
  await berth.ok(["docker", "network", "create", name]);
  const start = async (net: string) => (await berth.ok(["docker", "run", "-d", "--net", net, "busybox", "sleep", "100000"])).trim();
  const [host, bridged] = [await start("host"), await start("bridge")];
  const refused = async (...args: string[]) => (await berth.call(["docker", "network", ...args])).stderr;
  expect(await refused("connect", name, host)).toContain("container sharing network namespace with another container or host");
  expect(await refused("disconnect", "host", host)).toContain("container was created in host network mode");
  expect(await refused("connect", "--alias", "a", "bridge", bridged)).toContain("network-scoped alias is supported only for");
  expect(await refused("connect", "--ip", "172.17.9.9", "bridge", bridged)).toContain("supported on user defined networks only");
  await berth.ok(["docker", "rm", "-f", host, bridged]);
  await berth.ok(["docker", "network", "rm", name]);
});

test("projects and networks are isolated from each other", async () => {
  await using one = testProject(berth, `services:\n  a:\n    ${idle}\n`);
  await using two = testProject(berth, `services:\n  b:\n    ${httpd("secret")}\n`);
  await one.berth("up", "-d");
  await two.berth("up", "-d");
  const address = (
    await berth.ok(["docker", "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", `${two.name}-b-1`])
  ).trim();
  expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  expect(await ask(one, "a", address, 80)).toBe("");
  expect((await one.try("exec", "-T", "a", "ping", "-c1", "-W1", address)).exitCode).not.toBe(0);
});

test("a published port answers on 127.0.0.1, ::1, the host's address and from another container; it is gone after down", async () => {
  const port = await freePort();
  await using project = testProject(
    berth,
    `services:\n  w:\n    ${httpd("hello")}\n    ports: ["${port}:80"]\n  a:\n    ${idle}\n    networks: [elsewhere]\nnetworks: {elsewhere: }\n`,
  );
  await project.berth("up", "-d");
  const own = Object.values(networkInterfaces())
    .flat()
    .find((entry) => entry && entry.family === "IPv4" && !entry.internal)?.address;
  await until(() => get(`http://127.0.0.1:${port}/`), { timeoutMs: 10_000, what: "the server" });
  expect(await get(`http://127.0.0.1:${port}/`)).toBe("hello");
  expect(await get(`http://[::1]:${port}/`)).toBe("hello");
  if (own) {
    expect(await get(`http://${own}:${port}/`)).toBe("hello");
    expect(await ask(project, "a", own, port)).toBe("hello");
  }
  expect((await project.berth("port", "w", "80")).trim()).toBe(`0.0.0.0:${port}`);
  await project.berth("down");
  await expect(get(`http://127.0.0.1:${port}/`)).rejects.toThrow();
});

test("an ephemeral port is chosen and can be asked for; a host address keeps the others out", async () => {
  await using project = testProject(berth, `services:\n  w:\n    ${httpd("hi")}\n    ports: ["127.0.0.1::80"]\n`);
  await project.berth("up", "-d");
  const address = (await project.berth("port", "w", "80")).trim();
  expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
  await until(() => get(`http://${address}/`), { timeoutMs: 10_000, what: "the server" });
  await expect(get(`http://[::1]:${address.split(":")[1]}/`)).rejects.toThrow();
});

test("UDP is published", async () => {
  const port = await freePort();
  await using project = testProject(berth, `services:\n  u:\n    ${idle}\n    ports: ["127.0.0.1:${port}:53/udp"]\n`);
  await project.berth("up", "-d");
  const pid = (await berth.ok(["docker", "inspect", "-f", "{{.State.Pid}}", `${project.name}-u-1`])).trim();
  // The test image has no UDP server: this one runs in the container's network.
  const script = `const s = require("dgram").createSocket("udp4"); s.on("message", (m, from) => s.send(m, from.port, from.address)); s.bind(53);`;
  const server = execa("nsenter", ["-t", pid, "-n", process.execPath, "-e", script], { reject: false });
  expect(await until(() => echoUdp(port), { timeoutMs: 20_000, what: "the datagram's echo" })).toBe("ping");
  server.kill("SIGKILL");
  await server;
});

test("an internal network has no way out; the default one has NAT", async () => {
  await using project = testProject(
    berth,
    `services:\n  inside:\n    ${idle}\n    networks: [closed]\n  out:\n    ${idle}\nnetworks:\n  closed: {internal: true}\n`,
  );
  await project.berth("up", "-d");
  expect(await project.berth("exec", "-T", "inside", "ip", "route")).not.toContain("default");
  expect(await project.berth("exec", "-T", "out", "ip", "route")).toContain("default via");
});

test("static addresses and IPv6", async () => {
  await using project = testProject(
    berth,
    `services:\n  a:\n    ${idle}\n    networks: {n: {ipv4_address: 10.213.7.77, ipv6_address: "fd13:7::77"}}\n  b:\n    ${idle}\n    networks: [n]\n` +
      `networks:\n  n:\n    enable_ipv6: true\n    ipam: {config: [{subnet: 10.213.7.0/24}, {subnet: "fd13:7::/64"}]}\n`,
  );
  await project.berth("up", "-d");
  expect(await project.berth("exec", "-T", "b", "ping", "-c1", "-W2", "10.213.7.77")).toContain("1 packets received");
  expect(await project.berth("exec", "-T", "b", "ping6", "-c1", "-W2", "fd13:7::77")).toContain("1 packets received");
});

test("network_mode: host, none and service:x", async () => {
  await using project = testProject(
    berth,
    `services:\n  h:\n    ${idle}\n    network_mode: host\n  n:\n    ${idle}\n    network_mode: none\n  w:\n    ${httpd("shared")}\n  s:\n    ${idle}\n    network_mode: service:w\n`,
  );
  await project.berth("up", "-d");
  expect(await project.berth("exec", "-T", "n", "ip", "-o", "link")).not.toMatch(/eth0/);
  expect(await ask(project, "s", "127.0.0.1", 80)).toBe("shared");
  const { readlinkSync } = await import("node:fs");
  expect((await project.berth("exec", "-T", "h", "readlink", "/proc/self/ns/net")).trim()).toBe(readlinkSync("/proc/self/ns/net"));
});

test("addresses are kept across a restart", async () => {
  await using project = testProject(berth, `services:\n  a:\n    ${idle}\n  b:\n    ${idle}\n`);
  await project.berth("up", "-d");
  const address = async () => (await project.berth("exec", "-T", "a", "ip", "-o", "-4", "addr", "show", "eth0")).match(/inet (\S+)/)?.[1];
  const before = await address();
  await project.berth("restart", "a");
  expect(await address()).toBe(before);
});

test("an external network joins two projects; it must exist", async () => {
  await using lone = testProject(
    berth,
    `services:\n  a:\n    ${idle}\n    networks: [shared]\nnetworks: {shared: {external: true, name: e2e-shared}}\n`,
  );
  const answer = await lone.try("up", "-d");
  expect(answer.exitCode).not.toBe(0);
  expect(answer.stderr).toMatch(/e2e-shared.*could not be found|external.*e2e-shared/);
  await berth.ok(["docker", "network", "create", "e2e-shared"]);
  await lone.berth("up", "-d");
  await using other = testProject(
    berth,
    `services:\n  b:\n    ${idle}\n    networks: [shared]\nnetworks: {shared: {external: true, name: e2e-shared}}\n`,
  );
  await other.berth("up", "-d");
  expect(await other.berth("exec", "-T", "b", "ping", "-c1", "-W2", "a")).toContain("1 packets received");
  await other.berth("down");
  await lone.berth("down");
  await berth.ok(["docker", "network", "rm", "e2e-shared"]);
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, () => {
      const { port } = server.address() as AddressInfo; // listening on a port, not a path
      server.close(() => resolve(port));
    });
  });
}

function echoUdp(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    const timer = setTimeout(() => {
      socket.close();
      reject(new Error("no answer"));
    }, 1000);
    socket.on("message", (message) => {
      clearTimeout(timer);
      socket.close();
      resolve(message.toString());
    });
    socket.send("ping", port, "127.0.0.1");
  });
}
