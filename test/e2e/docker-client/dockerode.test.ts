import { text } from "node:stream/consumers";
import Dockerode from "dockerode";
import { expect, it } from "vitest";
import { WebSocket } from "ws";
import { busyboxBerth } from "../../support/busybox-berth.ts";
import { framed, scriptContainer } from "../../support/dockerode.ts";
import { until } from "../../support/until.ts";

const berth = await busyboxBerth();
const docker = new Dockerode({ socketPath: berth.socket });

const create = (script: string, more?: Dockerode.ContainerCreateOptions) => scriptContainer(docker, script, more);

it("attaches before the start, passes input on and gives the streams apart", async () => {
  const container = await create("cat; echo problem >&2", { OpenStdin: true, StdinOnce: true, AttachStdin: true });
  const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
  const output = framed(docker, stream);
  await container.start();
  stream.end("typed\n");
  expect(await output).toEqual({ out: "typed\n", err: "problem\n" });
  expect(await container.wait()).toEqual({ StatusCode: 0 });
  await container.remove();
});

it("lets go of a terminal by the keys that the request names; the process goes on", async () => {
  const container = await create("cat", { OpenStdin: true, Tty: true });
  await container.start();
  const stream = await container.attach({
    stream: true,
    stdin: true,
    stdout: true,
    hijack: true,
    detachKeys: "ctrl-x,q",
  } as Dockerode.ContainerAttachOptions);
  const closed = new Promise((resolve) => stream.once("close", resolve));
  stream.resume();
  stream.write("\x18q");
  await closed;
  expect((await container.inspect()).State.Running).toBe(true);
  await container.remove({ force: true });
});

it("tells what ps has against the arguments for it, with the status of dockerd", async () => {
  const container = await create("exec sleep 1000");
  await container.start();
  await expect(container.top({ ps_args: "-o pid,nonsense" })).rejects.toMatchObject({
    statusCode: 500,
    json: { message: 'ps: error: unknown user-defined format specifier "nonsense"' },
  });
  await expect(container.top({ ps_args: "-o comm" })).rejects.toMatchObject({
    statusCode: 500,
    json: { message: "Couldn't find PID field in ps output" },
  });
  await container.remove({ force: true });
});

it("answers a websocket with the container's output", async () => {
  const container = await create("read line; echo got $line", { OpenStdin: true, Tty: true });
  await container.start();
  const ws = new WebSocket(`ws+unix://${berth.socket}:/v1.45/containers/${container.id}/attach/ws?stream=1&stdin=1&stdout=1`);
  const parts: string[] = [];
  ws.on("message", (data) => parts.push(String(data)));
  await new Promise((resolve) => ws.once("open", resolve));
  ws.send("hello\n");
  await until(() => parts.join("").includes("got hello"), { timeoutMs: 20_000, what: "the answer" });
  ws.terminate();
  await container.remove({ force: true });
});

it("tells the events of a container's life in Docker's order, by filter and of the past", async () => {
  const container = await create("exit 3", { name: "told", Labels: { mark: "yes" } });
  await container.start();
  await container.wait();
  await container.remove();
  const stream = await docker.getEvents({
    since: 1,
    until: Math.ceil(Date.now() / 1000),
    filters: { container: ["told"], label: ["mark"] } as never,
  });
  const events = (await text(stream))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(events.map((event) => event.Action)).toEqual(["create", "start", "die", "destroy"]);
  expect(events[2]).toMatchObject({
    Type: "container",
    status: "die",
    from: "busybox",
    id: container.id,
    Actor: { ID: container.id, Attributes: { exitCode: "3", image: "busybox", mark: "yes", name: "told" } },
  });
  const networks = await text(
    await docker.getEvents({ since: 1, until: Math.ceil(Date.now() / 1000), filters: { type: ["network"] } as never }),
  );
  expect(networks).toMatch(/"Action":"connect"[\s\S]*"Action":"disconnect"/);
});

it("cuts logs by their end and their time, and follows them to the end", async () => {
  const container = await create("echo one; echo two >&2; echo three; read go; echo four", { OpenStdin: true });
  await container.start();
  const logs = async (o: object) =>
    framed(docker, (await container.logs({ stdout: true, stderr: true, follow: true, ...o } as never)) as unknown as NodeJS.ReadableStream);
  const following = logs({ tail: 2 });
  await until(async () => String(await container.logs({ stdout: true })).includes("three"), { timeoutMs: 20_000, what: "three" });
  const input = await container.attach({ stream: true, stdin: true, hijack: true });
  input.write("\n");
  await container.wait();
  expect((await following).out).toContain("four\n");
  expect(await logs({ tail: 1 })).toEqual({ out: "four\n", err: "" });
  expect(await logs({ stdout: false })).toEqual({ out: "", err: "two\n" });
  expect((await logs({ timestamps: true, tail: 1 })).out).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z four\n$/);
  expect(await logs({ since: Math.floor(Date.now() / 1000) + 60 })).toEqual({ out: "", err: "" });
  const stamps = (await logs({ timestamps: true })).out.trim().split("\n");
  const secondsOf = (line = "") => Date.parse(line.split(" ")[0] ?? "") / 1000;
  const [first, four] = [secondsOf(stamps[0]), secondsOf(stamps.at(-1))];
  expect((await logs({ since: four - 0.001 })).out).toBe("four\n");
  expect((await logs({ until: (first + four) / 2 })).out).not.toContain("four");
  await expect(container.logs({} as never)).rejects.toMatchObject({ statusCode: 400 });
  await container.remove();
});

it("stops following at the time that it was to end", async () => {
  const container = await create("echo now; exec sleep 1000", { HostConfig: { Init: true } });
  await container.start();
  const until = Date.now() / 1000 + 0.3;
  const stream = (await container.logs({ stdout: true, follow: true, until } as never)) as unknown as NodeJS.ReadableStream;
  expect((await framed(docker, stream)).out).toBe("now\n");
  await container.remove({ force: true });
});

it("finds containers by every filter", async () => {
  const found = async (filters: Record<string, string[]>, all = true) =>
    (await docker.listContainers({ all, filters })).map(({ Names }) => Names[0]?.slice(1)).sort();
  const first = await create("exit 4", { name: "first", Labels: { a: "1" } });
  const second = await create("sleep 1000", {
    name: "second",
    ExposedPorts: { "90/udp": {} },
    HostConfig: { Binds: ["kept:/data"], PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] } },
  });
  await Promise.all([first.start().then(() => first.wait()), second.start()]);
  const [listed] = await docker.listContainers({ filters: { name: ["second"] } });
  const published = String(listed?.Ports.find((port) => port.PrivatePort === 80)?.PublicPort);
  expect(await found({ name: ["^/fir"] })).toEqual(["first"]);
  expect(await found({ exited: ["4"] })).toEqual(["first"]);
  expect(await found({ status: ["running"] })).toEqual(["second"]);
  expect(await found({ label: ["a=1"] })).toEqual(["first"]);
  expect(await found({ since: ["first"] })).toEqual(["second"]);
  expect(await found({ before: ["second"] })).toEqual(["first"]);
  expect(await found({ volume: ["kept"] })).toEqual(["second"]);
  expect(await found({ expose: ["85-95/udp"] })).toEqual(["second"]);
  expect(await found({ publish: [published] })).toEqual(["second"]);
  expect(await found({ ancestor: ["busybox"], network: ["bridge"] })).toEqual(["first", "second"]);
  expect(await found({}, false)).toEqual(["second"]);
  await expect(found({ status: ["odd"] })).rejects.toMatchObject({ statusCode: 400 });
  await expect(found({ odd: ["x"] })).rejects.toThrow("invalid filter 'odd'");
  await Promise.all([first, second].map((container) => container.remove({ force: true })));
});

it("shows what a container was given as Docker resolves it", async () => {
  const network = await docker.createNetwork({ Name: "shown" });
  const other = await create("sleep 1000", { name: "other" });
  const { id } = await create("true", {
    HostConfig: {
      NetworkMode: "shown",
      Links: ["other:o"],
      Memory: 64 * 1024 * 1024,
      MaskedPaths: null,
    } as unknown as Dockerode.HostConfig, // as Go's clients send it
  });
  const { HostConfig } = await docker.getContainer(id).inspect();
  expect(HostConfig).toMatchObject({ Links: null, MemorySwap: 128 * 1024 * 1024 });
  expect(HostConfig.MaskedPaths).toContain("/proc/kcore");
  for (const container of [docker.getContainer(id), other]) await container.remove({ force: true });
  await network.remove();
});

it("an inspection at the end that a restart brings waits for its start: for whoever follows events the container has not ended", async () => {
  // Removed at its end, but not by a restart.
  const container = await create("trap 'exit 0' TERM; while :; do sleep 0.05; done", { HostConfig: { AutoRemove: true } });
  await container.start();
  const events = (await docker.getEvents({ filters: { container: [container.id], event: ["die"] } })) as NodeJS.ReadableStream & {
    destroy(): void;
  };
  const ended = new Promise((resolve) => events.once("data", resolve)).then(() => container.inspect());
  await container.restart();
  expect((await ended).State).toMatchObject({ Running: true, Status: "running" });
  events.destroy();
  await container.remove({ force: true });
});

it("a limit of -1 is none, for a container's process and for an exec", async () => {
  const container = await create("ulimit -c; exec sleep 1000", { HostConfig: { Ulimits: [{ Name: "core", Soft: -1, Hard: -1 }] } });
  await container.start();
  const exec = await container.exec({ Cmd: ["sh", "-c", "ulimit -c"], AttachStdout: true });
  expect((await framed(docker, await exec.start({}))).out).toBe("unlimited\n");
  await until(async () => (await container.logs({ stdout: true })).toString().includes("unlimited\n"), {
    what: "the limit in the log",
    timeoutMs: 20_000,
  });
  await container.remove({ force: true });
});

it("a link names an address on a network that both are on", async () => {
  const [front, back] = await Promise.all(["front", "back"].map((Name) => docker.createNetwork({ Name })));
  const other = await create("sleep 1000", { name: "linked", HostConfig: { NetworkMode: "back", Init: true } });
  await other.start();
  await front?.connect({ Container: other.id });
  const container = await create("cat /etc/hosts", { HostConfig: { NetworkMode: "front", Links: ["linked:alias"] } });
  await container.start();
  await container.wait();
  const { front: there } = (await other.inspect()).NetworkSettings.Networks;
  const lines = (await container.logs({ stdout: true })).toString().split("\n");
  expect(lines.filter((line) => /\balias\b/.test(line)).map((line) => line.replace(/^.*?(?=\d+\.)/, "").split(/\s/)[0])).toEqual([
    there?.IPAddress,
  ]);
  for (const each of [container, other]) await each.remove({ force: true });
  for (const network of [front, back]) await network?.remove();
});

it("answers as an engine outside a swarm, and in Docker's words", async () => {
  await expect(docker.listServices()).rejects.toMatchObject({ statusCode: 503 });
  expect(await docker.listPlugins()).toEqual([]);
  expect(await docker.info()).toMatchObject({ Driver: "overlay2", OSType: "linux", Swarm: { LocalNodeState: "inactive" }, Debug: false });
  expect(await docker.version()).toMatchObject({ ApiVersion: "1.51", MinAPIVersion: "1.24" });
  await expect(docker.getContainer("none").inspect()).rejects.toThrow("No such container: none");
  await expect(docker.getNetwork("bridge").remove()).rejects.toMatchObject({ statusCode: 403 });
  await expect(docker.createContainer({ Image: "busybox", HostConfig: { Memory: "lots" as unknown as number } })).rejects.toThrow(
    "cannot unmarshal string into Go struct field .HostConfig.Memory of type int64",
  );
});
