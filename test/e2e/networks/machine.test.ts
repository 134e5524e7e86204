import { afterAll, beforeAll, expect, test } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { type NetworkNamespace, networkNamespace } from "../../support/network-namespace.ts";
import { loadBusybox, type TestProject, testProject } from "../../support/project.ts";
import { until } from "../../support/until.ts";

// A machine of its own: every port is free, and its interfaces are ours to change.
let machine: NetworkNamespace;
let berth: Berth;
beforeAll(async () => {
  machine = await networkNamespace();
  await machine.sh(
    "ip link add wire type bridge; ip addr add 198.51.100.2/24 dev wire; ip link set wire up; ip route add default dev wire",
  );
  berth = await installedBerth(machine);
  await loadBusybox(berth);
});
afterAll(async () => {
  await berth?.[Symbol.asyncDispose]();
  await machine?.[Symbol.asyncDispose]();
});

const idle = "image: busybox\n    stop_signal: SIGKILL\n    command: sleep 100000";
const httpd = (text: string) =>
  `image: busybox\n    stop_signal: SIGKILL\n    command: sh -c 'mkdir /w; echo ${text} > /w/index.html; exec httpd -f -p 80 -h /w'`;
const page = (host: string, port: number) => `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 2 ${host} ${port} 2>&1 | tail -n 1`;
const answers = async (places: readonly [string, number][]) =>
  Object.fromEntries(await Promise.all(places.map(async ([host, port]) => [`${host} ${port}`, await machine.sh(page(host, port))])));
const subnetOf = async (network: string) =>
  (await berth.ok(["docker", "network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", network])).trim();

const published = [
  '"[::1]:8000:80"',
  '"8001:80/tcp"',
  '"8001:80/udp"',
  '"127.0.0.1:8002:80"',
  '"127.0.0.2:8002:80"',
  '"[::]:8003:80"',
  '"198.51.100.2:8004:80"',
  '"8010-8012:80-82"',
];

test("ports on addresses of both families, ranges, and both protocols answer where they should: at once, after a restart and after the engine was killed", async () => {
  await using project = testProject(
    berth,
    `services:\n  w:\n    ${httpd("hello")}\n    ports: [${published.join(", ")}]\n  a:\n    ${idle}\n    networks: [other]\nnetworks: {other: }\n`,
  );
  await project.berth("up", "-d");
  const open: [string, number][] = [
    ["::1", 8000],
    ["127.0.0.1", 8001],
    ["::1", 8001],
    ["198.51.100.2", 8001],
    ["127.0.0.1", 8002],
    ["127.0.0.2", 8002],
    ["::1", 8003],
    ["198.51.100.2", 8004],
    ["127.0.0.1", 8010],
  ];
  const closed: [string, number][] = [
    ["127.0.0.1", 8000],
    ["127.0.0.3", 8002],
    ["198.51.100.2", 8002],
    ["127.0.0.1", 8003],
    ["127.0.0.1", 8004],
  ];
  const check = async () => {
    const wanted = Object.fromEntries(open.map(([host, port]) => [`${host} ${port}`, "hello"]));
    await until(async () => JSON.stringify(await answers(open)) === JSON.stringify(wanted), { timeoutMs: 20_000, what: "the ports" });
    for (const [place, answer] of Object.entries(await answers(closed))) expect(answer, place).toContain("refused");
    // From a container of another network, by the machine's address.
    expect((await project.try("exec", "-T", "a", "sh", "-c", page("198.51.100.2", 8001))).stdout).toBe("hello");
  };
  await check();
  await project.berth("restart", "-t", "0", "w");
  await check();
  process.kill(berth.enginePid(), "SIGKILL");
  await project.berth("ps");
  await check();
});

test("a port that is taken is refused in Docker's words, and the hint names who has it", async () => {
  await using project = testProject(berth, `services:\n  w:\n    ${httpd("hello")}\n    ports: ["127.0.0.1:8005:80"]\n`);
  await project.berth("up", "-d");
  const run = async (port: string) => {
    const answer = await berth.call(["docker", "run", "-d", "--rm", "--name", "taker", "-p", port, "busybox", "sleep", "1000"]);
    await berth.call(["docker", "rm", "-f", "taker"]);
    return answer.exitCode === 0 ? "it runs" : answer.stderr;
  };
  for (const port of ["127.0.0.1:8005:80", "8005:80"]) {
    const said = await run(port);
    expect(said).toMatch(
      /failed to set up container networking: driver failed programming external connectivity on endpoint taker \([0-9a-f]{64}\): Bind for 127\.0\.0\.1:8005 failed: port is already allocated$/m,
    );
    expect(said).toContain(`Container ${project.name}-w-1 has it.`);
  }
  expect(await run("8005:80/udp")).toBe("it runs");
  expect(await run("198.51.100.2:8005:80")).toBe("it runs");
  expect(await run("8004-8006:80")).toBe("it runs");
  expect(await run("203.0.113.9:8007:80")).toMatch(
    /failed to bind host port for 203\.0\.113\.9:8007:[\d.]+:80\/tcp: cannot assign requested address\n.*one of this host's/,
  );
});

const stopped = async (project: TestProject) => {
  await project.berth("stop", "-t", "0");
  await berth.ok(["engine", "stop"]); // the bridges go where nothing runs
};

test("a network whose subnet the machine came to use while it was down gets another one", async () => {
  await using project = testProject(berth, `services:\n  a:\n    ${idle}\n  b:\n    ${idle}\n`);
  await project.berth("up", "-d");
  const network = `${project.name}_default`;
  const before = await subnetOf(network);
  await stopped(project);
  await machine.sh(`ip addr add ${before.replace(/0\/16$/, "9/16")} dev wire`);
  await project.berth("up", "-d");
  expect(await subnetOf(network)).not.toBe(before);
  expect(await project.berth("exec", "-T", "a", "ping", "-c1", "-W2", "b")).toContain("1 packets received");
  await machine.sh(`ip addr del ${before.replace(/0\/16$/, "9/16")} dev wire`);
});

test("where the subnet was asked for, that is said and nothing starts", async () => {
  await using project = testProject(
    berth,
    `services:\n  a:\n    ${idle}\nnetworks: {default: {ipam: {config: [{subnet: 10.77.0.0/24}]}}}\n`,
  );
  await project.berth("up", "-d");
  await stopped(project);
  await machine.sh("ip addr add 10.77.0.9/24 dev wire");
  const answer = await project.try("up", "-d");
  expect([answer.exitCode === 0, answer.stderr]).toEqual([
    false,
    expect.stringContaining("its subnet 10.77.0.0/24 overlaps 10.77.0.0/24 of the interface wire"),
  ]);
  await machine.sh("ip addr del 10.77.0.9/24 dev wire");
  await project.berth("up", "-d");
});

test("the bridge driver's options take effect, and of one that has none a client is warned", async () => {
  await using project = testProject(
    berth,
    `services:\n  a:\n    ${httpd("hello")}\n    networks: [n]\n    ports: ["8006:80"]\n  b:\n    ${idle}\n    networks: [n]\n` +
      "networks:\n  n:\n    driver_opts:\n      com.docker.network.driver.mtu: 1400\n      com.docker.network.bridge.name: testbridge0\n" +
      "      com.docker.network.container_iface_prefix: lan\n      com.docker.network.bridge.enable_icc: 'false'\n      com.docker.network.bridge.host_binding_ipv4: 127.0.0.1\n",
  );
  await project.berth("up", "-d");
  expect(await project.berth("exec", "-T", "a", "ip", "link", "show", "lan0")).toContain("mtu 1400");
  expect(await machine.sh("ip link show testbridge0")).toContain("mtu 1400");
  expect((await project.berth("port", "a", "80")).trim()).toBe("127.0.0.1:8006");
  expect((await project.try("exec", "-T", "b", "ping", "-c1", "-W1", "a")).stdout).toContain("0 packets received");
  const warned = await berth.call(["docker", "network", "create", "-o", "com.docker.network.bridge.nosuch=1", "r"]);
  expect([warned.exitCode, warned.stderr]).toEqual([0, expect.stringContaining("com.docker.network.bridge.nosuch has no effect here")]);
});

test("gateway modes say what of a container another machine reaches at its own address", async () => {
  const modes = { nat: "10.78.1", routed: "10.78.2", "nat-unprotected": "10.78.3" };
  const from = "fromoutside";
  await machine.sh(
    `ip netns add ${from}; ip link add out0 type veth peer name in0 netns ${from}; ip link set out0 master wire up; ip -n ${from} addr add 198.51.100.9/24 dev in0; ` +
      `ip -n ${from} link set in0 up; ip -n ${from} route add default via 198.51.100.2`,
  );
  const ids: string[] = [];
  try {
    for (const [mode, net] of Object.entries(modes)) {
      await berth.ok([
        "docker",
        "network",
        "create",
        "-o",
        `com.docker.network.bridge.gateway_mode_ipv4=${mode}`,
        "--subnet",
        `${net}.0/24`,
        mode,
      ]);
      const serve = "mkdir /w; echo hello > /w/index.html; httpd -p 81 -h /w; exec httpd -f -p 80 -h /w";
      ids.push((await berth.ok(["docker", "run", "-d", "--net", mode, "-p", "80", "busybox", "sh", "-c", serve])).trim());
    }
    const reached = async (net: string, port: number) =>
      (await machine.sh(page(`${net}.2`, port).replace("busybox nc", `ip netns exec ${from} busybox nc`))) === "hello";
    await until(() => reached(modes.routed, 80), { timeoutMs: 20_000, what: "the published port" });
    const found = Object.entries(modes).map(async ([mode, net]) => [mode, await reached(net, 80), await reached(net, 81)]);
    expect(await Promise.all(found)).toEqual([
      ["nat", false, false],
      ["routed", true, false],
      ["nat-unprotected", true, true],
    ]);
    expect(await berth.ok(["docker", "port", ids[1] ?? "", "80"])).toContain("0.0.0.0:\n");
  } finally {
    await berth.call(["docker", "rm", "-f", ...ids]);
    await berth.call(["docker", "network", "rm", ...Object.keys(modes)]);
    await machine.sh(`ip netns del ${from}`);
  }
});
