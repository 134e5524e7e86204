import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa, type Subprocess } from "execa";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { type NetworkNamespace, networkNamespace } from "../../support/network-namespace.ts";
import { loadBusybox, type TestProject, testProject } from "../../support/project.ts";
import { until } from "../../support/until.ts";

// A machine with an outside world, both made here: what other firewalls do to it hits nobody else.
let machine: NetworkNamespace;
let world: NetworkNamespace;
let berth: Berth;
let page: string;
let server: Subprocess<{ reject: false }>;

beforeAll(async () => {
  machine = await networkNamespace();
  world = await networkNamespace();
  await machine.sh(
    `ip link add up0 type veth peer name up0 netns ${world.pid}; ip addr add 198.51.100.2/24 dev up0; ip link set up0 up; ip route add default via 198.51.100.1`,
  );
  await world.sh("ip addr add 198.51.100.1/24 dev up0; ip link set up0 up");
  page = mkdtempSync("/var/tmp/berthworld-");
  writeFileSync(join(page, "index.html"), "world\n");
  const [enter = "", ...args] = world.enter();
  server = execa(enter, [...args, "busybox", "httpd", "-f", "-p", "198.51.100.1:8000", "-h", page], { reject: false });
  berth = await installedBerth(machine);
  await loadBusybox(berth);
});
afterAll(async () => {
  await berth?.[Symbol.asyncDispose]();
  await machine?.sh("nft flush ruleset");
  server?.kill("SIGKILL");
  await server;
  rmSync(page, { recursive: true, force: true });
  await world?.[Symbol.asyncDispose]();
  await machine?.[Symbol.asyncDispose]();
});
beforeEach(() => machine.sh("nft flush ruleset"));

const httpd = (text: string) =>
  `image: busybox\n    stop_signal: SIGKILL\n    command: sh -c 'mkdir /w; echo ${text} > /w/index.html; exec httpd -f -p 80 -h /w'`;
const compose = `services:\n  w:\n    ${httpd("hello")}\n    ports: ["8080:80"]\n  a:\n    ${httpd("other")}\n`;

/** Which of the ways work: out to the world, in from the world and from the machine, and from container to container. */
async function ways(project: TestProject): Promise<string> {
  const page = (host: string, port: number) => `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 2 ${host} ${port} | tail -n 1`;
  const inside = async (host: string, port: number) => (await project.try("exec", "-T", "a", "sh", "-c", page(host, port))).stdout.trim();
  const [out, across, hairpin, into, loopback] = await Promise.all([
    inside("198.51.100.1", 8000),
    inside("w", 80),
    inside("198.51.100.2", 8080),
    world.sh(page("198.51.100.2", 8080)),
    machine.sh(page("127.0.0.1", 8080)),
  ]);
  return `out ${out}, in ${into}, loopback ${loopback}, across ${across}, hairpin ${hairpin}`;
}
const allWays = "out world, in hello, loopback hello, across hello, hairpin hello";
const working = (project: TestProject) =>
  until(
    async () => {
      const answers = await ways(project);
      if (answers !== allWays) throw new Error(answers);
      return true;
    },
    { timeoutMs: 30_000, what: "every way" },
  );

/** The rules of others as nft lists them, without the numbers that count what passed. */
const others = async () => {
  const text = await machine.sh("nft -a -s list ruleset");
  return text
    .split(/^(?=table )/m)
    .filter((table) => !table.startsWith("table ip berth-") && !table.startsWith("table ip6 berth-"))
    .join("");
};

test.each([
  ["iptables-nft -P FORWARD DROP", "iptables-nft -P FORWARD DROP; iptables-nft -P INPUT ACCEPT"],
  [
    "a firewall that drops what comes in and what is forwarded",
    `nft 'add table inet filter; add chain inet filter input { type filter hook input priority 0; policy drop; }; add chain inet filter forward { type filter hook forward priority 0; policy drop; }'
     nft 'add rule inet filter input ct state established,related accept; add rule inet filter input iifname lo accept; add rule inet filter input tcp dport 22 accept comment "ssh"'`,
  ],
])("with %s every way works, and its rules are as they were after down", async (_, rules) => {
  await machine.sh(rules);
  const before = await others();
  await using project = testProject(berth, compose);
  await project.berth("up", "-d");
  await working(project);
  await project.berth("down");
  await berth.ok(["engine", "stop"]);
  expect(await others()).toBe(before);
});

test("a firewall that closes its chains while containers run does not cut them off", async () => {
  await using project = testProject(berth, compose);
  await project.berth("up", "-d");
  await working(project);
  await machine.sh("iptables-nft -P FORWARD DROP");
  await working(project);
});

test.each([
  ["flush ruleset", "nft flush ruleset"],
  [
    "our own tables flushed",
    `for t in $(nft list tables | awk '/berth-/ { print $2 "/" $3 }'); do nft flush table "\${t%/*}" "\${t#*/}"; done`,
  ],
  ["our table of IPv6 deleted", `for t in $(nft list tables ip6 | awk '/berth-/ { print $3 }'); do nft delete table ip6 $t; done`],
])("rules that somebody removes come back: %s", async (_, removal) => {
  await using project = testProject(berth, compose);
  await project.berth("up", "-d");
  await working(project);
  const ours = () => machine.sh("nft -s list ruleset");
  const before = await ours();
  await machine.sh(removal);
  expect(await ours()).not.toBe(before);
  await until(async () => (await ours()) === before, { timeoutMs: 20_000, what: "the rules" });
  await working(project);
});
