import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ContainerCreateBody } from "../../../src/api/index.ts";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { EngineApi } from "../../support/engine-api.ts";

let berth: Berth;
let api: EngineApi;
beforeAll(async () => {
  berth = await installedBerth();
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  api = new EngineApi(berth.socket);
});
afterAll(async () => {
  api?.close();
  await berth?.[Symbol.asyncDispose]();
});

// What dockerd 28.5 answers to the same bodies: at the create, and then nothing is left of it.
describe("a create refuses", () => {
  it.each<[string, ContainerCreateBody, string]>([
    ["a port that is none", { HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "x" }] } } }, 'invalid port specification: "x"'],
    ["a hardware address that is none", { MacAddress: "zz" }, "invalid config for network bridge: invalid MAC address zz"],
    ["the IPC of a container that is not there", { HostConfig: { IpcMode: "container:none" } }, "No such container: none"],
    ["the processes of a container that is not there", { HostConfig: { PidMode: "container:none" } }, "No such container: none"],
    [
      "a short bind without a place",
      { HostConfig: { Binds: ["a"] } },
      `invalid volume specification: 'a': invalid mount config for type "volume": invalid mount path: 'a' mount path must be absolute`,
    ],
    ["a short bind with an option nobody knows", { HostConfig: { Binds: ["/a:/b:foo"] } }, "invalid mode: foo"],
    [
      "a bind of what is not there",
      { HostConfig: { Mounts: [{ Type: "bind", Source: "/no/such", Target: "/x" }] } },
      'invalid mount config for type "bind": bind source path does not exist: /no/such',
    ],
  ])("%s", async (_, body, message) => {
    await expect(api.create({ Cmd: ["true"], ...body })).rejects.toThrow(message);
    expect(await api.json("GET", "/containers/json?all=1")).toEqual([]);
  });
});

describe("what only the start finds", () => {
  it.each<[string, ContainerCreateBody, string]>([
    [
      "a device that nobody drives",
      { HostConfig: { DeviceRequests: [{ Count: -1, Capabilities: [["gpu"]] }] } },
      'could not select device driver "" with capabilities: [[gpu]]',
    ],
    ["the network of a container that is not there", { HostConfig: { NetworkMode: "container:none" } }, "No such container: none"],
  ])("%s leaves the container created", async (_, body, message) => {
    const id = await api.create({ Cmd: ["true"], ...body });
    await expect(api.bytes("POST", `/containers/${id}/start`)).rejects.toThrow(message);
    expect((await api.inspect(id)).State).toMatchObject({ Status: "created", Running: false, ExitCode: 128 });
    await api.remove(id);
  });
});

it("an IPC that is joined is written by id, so that a rename changes nothing", async () => {
  const owner = await api.create({ Cmd: ["true"], HostConfig: { IpcMode: "shareable" } }, "owner");
  const guest = await api.create({ Cmd: ["true"], HostConfig: { IpcMode: "container:owner" } });
  expect((await api.inspect(guest)).HostConfig.IpcMode).toBe(`container:${owner}`);
  for (const id of [guest, owner]) await api.remove(id);
});

describe("the list's filters", () => {
  const names = async (filters: object, all = true) => {
    const list = await api.json<{ Names: string[] }[]>(
      "GET",
      `/containers/json?${all ? "all=1&" : ""}filters=${encodeURIComponent(JSON.stringify(filters))}`,
    );
    return list.map(({ Names }) => Names[0]?.slice(1)).sort();
  };
  const ids: string[] = [];
  beforeAll(async () => {
    ids.push(await api.create({ Cmd: ["true"], Labels: { x: "y" }, ExposedPorts: { "80/tcp": {} } }, "made"));
    ids.push(
      await api.start(
        {
          Cmd: ["sleep", "1000"],
          Labels: { x: "z" },
          ExposedPorts: { "80/tcp": {} },
          HostConfig: { PortBindings: { "90/udp": [{ HostIp: "127.0.0.1", HostPort: "0" }] }, Binds: ["/tmp:/t"] },
        },
        "runs",
      ),
    );
    ids.push(await api.start({ Cmd: ["sh", "-c", "exit 3"] }, "ended"));
    await api.json("POST", "/containers/ended/wait");
  });
  afterAll(async () => {
    for (const id of ids) await api.remove(id);
  });

  it.each<[string, object, string[]]>([
    ["words in a map, whatever they are mapped to", { name: { run: false } }, ["runs"]],
    ["a key without words", { status: [] }, ["ended", "made", "runs"]],
    ["the ports that a network holds now", { expose: ["80"] }, ["runs"]],
    ["a range of them", { expose: ["85-95/udp"] }, ["runs"]],
    ["the last of several bounds", { before: ["runs", "ended"] }, ["made", "runs"]],
    ["exit codes", { exited: ["3"] }, ["ended"]],
    ["a mount's place in the container", { volume: ["/t"] }, ["runs"]],
    ["its source", { volume: ["/tmp"] }, ["runs"]],
    ["an image that is none", { ancestor: ["BAD"] }, []],
    ["labels, which all have to match", { label: ["x", "x=z"] }, ["runs"]],
  ])("%s", async (_, filters, expected) => {
    expect(await names(filters)).toEqual(expected);
  });

  it("only a status asks for those that do not run", async () => {
    expect(await names({ exited: ["3"] }, false)).toEqual([]);
    expect(await names({ status: ["exited"] }, false)).toEqual(["ended"]);
  });
});
