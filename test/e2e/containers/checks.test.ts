import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ContainerCreateBody } from "../../../src/api/index.ts";
import { busyboxEngine } from "../../support/busybox-berth.ts";

const { api } = await busyboxEngine();

// What dockerd 28.5 answers to the same bodies: at the create, and then nothing is left of it.
describe("a create refuses", () => {
  beforeAll(() => api.json("POST", "/networks/create", { Name: "addressed", IPAM: { Config: [{ Subnet: "10.219.7.0/24" }] } }));
  afterAll(() => api.bytes("DELETE", "/networks/addressed"));

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
    ["two binds for one place", { HostConfig: { Binds: ["/tmp:/x", "/var:/x"] } }, "Duplicate mount point: /x"],
    ["a tmpfs without a whole path", { HostConfig: { Tmpfs: { x: "" } } }, "invalid mount path: 'x' mount path must be absolute"],
    ["a host at no address", { HostConfig: { ExtraHosts: ["a:foo"] } }, 'invalid IP address in add-host: "foo"'],
    ["too little to reserve", { HostConfig: { MemoryReservation: 1 } }, "Minimum memory reservation allowed is 6MB"],
    ["a security option without its value", { HostConfig: { SecurityOpt: ["foo"] } }, 'invalid --security-opt 1: "foo"'],
    ["a link of three parts", { HostConfig: { Links: ["a:b:c"] } }, "bad format for links: a:b:c"],
    ["mounts of another one in a way that is none", { HostConfig: { VolumesFrom: ["a:foo"] } }, "invalid mode: foo"],
    [
      "a label that is a number",
      { Labels: { a: 5 } } as unknown as ContainerCreateBody,
      "invalid JSON: json: cannot unmarshal number into Go struct field .Labels.a of type string",
    ],
    [
      "an address outside",
      {
        HostConfig: { NetworkMode: "addressed" },
        NetworkingConfig: { EndpointsConfig: { addressed: { IPAMConfig: { IPv4Address: "10.1.1.1" } } } },
      },
      "invalid config for network addressed: invalid endpoint settings:\nno configured subnet or ip-range contain the IP address 10.1.1.1",
    ],
    [
      "a bind of what is not there",
      { HostConfig: { Mounts: [{ Type: "bind", Source: "/no/such", Target: "/x" }] } },
      'invalid mount config for type "bind": bind source path does not exist: /no/such',
    ],
    [
      "a volume with a propagation",
      { HostConfig: { Binds: ["v:/x:rslave"] } },
      `invalid volume specification: 'v:/x:rslave': invalid mount config for type "volume": field BindOptions must not be specified`,
    ],
    [
      "a volume driver that is not there",
      { HostConfig: { Binds: ["vol:/x"], VolumeDriver: "nosuch" } },
      'create vol: error looking up volume plugin nosuch: plugin "nosuch" not found',
    ],
    [
      "memory of a node that is not there",
      { HostConfig: { CpusetMems: "4096" } },
      "Requested memory nodes are not available - requested 4096",
    ],
    ["memory nodes that are none", { HostConfig: { CpusetMems: "x" } }, "Invalid value x for cpuset mems: invalid format: x"],
    ["a log driver nobody knows", { HostConfig: { LogConfig: { Type: "foo", Config: {} } } }, 'plugin "foo" not found'],
    [
      "a log option nobody knows",
      { HostConfig: { LogConfig: { Type: "syslog", Config: { foo: "x" } } } },
      "unknown log opt 'foo' for syslog log driver",
    ],
  ])("%s", async (_, body, message) => {
    await expect(api.create({ Cmd: ["true"], ...body })).rejects.toThrow(message);
    expect(await api.json("GET", "/containers/json?all=1")).toEqual([]);
  });
});

const logging = "failed to create task for container: failed to initialize logging driver: ";

describe("what only the start finds", () => {
  it.each<[string, ContainerCreateBody, string]>([
    [
      "a device that nobody drives",
      { HostConfig: { DeviceRequests: [{ Count: -1, Capabilities: [["gpu"]] }] } },
      'could not select device driver "" with capabilities: [[gpu]]',
    ],
    ["the network of a container that is not there", { HostConfig: { NetworkMode: "container:none" } }, "No such container: none"],
    [
      "a size of logs that is none",
      { HostConfig: { LogConfig: { Type: "json-file", Config: { "max-size": "x" } } } },
      `${logging}invalid size: 'x'`,
    ],
    [
      "a driver of logs that Berth has not",
      { HostConfig: { LogConfig: { Type: "syslog", Config: {} } } },
      `${logging}this engine has no syslog log driver`,
    ],
    ["a name server that is none", { HostConfig: { Dns: ["nope"] } }, 'bad nameserver address nope: ParseAddr("nope"): unable to parse IP'],
    ["a rule for devices that is none", { HostConfig: { DeviceCgroupRules: ["c 1:3"] } }, "invalid device cgroup rule format: 'c 1:3'"],
    [
      "a domain for the host's own name",
      { Domainname: "a.b", HostConfig: { UTSMode: "host" } },
      'sysctl "kernel.domainname" is not in a separate kernel namespace',
    ],
    ["an option that no tmpfs has", { HostConfig: { Tmpfs: { "/t": "foo=bar" } } }, 'invalid tmpfs option "foo"'],
    [
      "a read-only mount that is not",
      { HostConfig: { Mounts: [{ Type: "bind", Source: "/", Target: "/x", BindOptions: { ReadOnlyForceRecursive: true } }] } },
      "mount options conflict: !ReadOnly && BindOptions.ReadOnlyForceRecursive",
    ],
    ["a user that the image has not", { User: "nosuch" }, "unable to find user nosuch: no matching entries in passwd file"],
  ])("%s leaves the container created", async (_, body, message) => {
    const id = await api.create({ Cmd: ["true"], ...body });
    await expect(api.bytes("POST", `/containers/${id}/start`)).rejects.toThrow(message);
    const { State: state } = await api.inspect(id);
    expect(state).toMatchObject({ Status: "created", Running: false, ExitCode: 128 });
    expect(state.Error).toContain(message);
    await api.remove(id);
  });

  it.each<[string, ContainerCreateBody]>([
    ["an empty command", { Image: "busybox", Cmd: [""] }],
    ["the root of no image", { Image: "", Cmd: ["true"] }],
  ])("%s has no program", async (_, body) => {
    const { Id: id } = await api.json<{ Id: string }>("POST", "/containers/create", body);
    await expect(api.bytes("POST", `/containers/${id}/start`)).rejects.toThrow(
      `exec: "${body.Cmd?.[0]}": executable file not found in $PATH`,
    );
    expect((await api.inspect(id)).State).toMatchObject({ Status: "created", ExitCode: 127 });
    const listed = await api.json<{ Id: string; Image: string }[]>("GET", "/containers/json?all=1");
    expect(listed.find((one) => one.Id === id)?.Image).toBe(body.Image);
    expect(await api.json("GET", "/system/df")).toMatchObject({
      Containers: expect.arrayContaining([expect.objectContaining({ Id: id })]),
    });
    await api.remove(id);
  });
});

it("a volume's subpath may be a file or lead through links, but not out of the volume", async () => {
  const write = "mkdir -p /v/a; echo inside > /v/a/f; ln -s a /v/l; ln -s /etc /v/out; ln -s ../../../../../../../../etc /v/up";
  await api.run({ Cmd: ["sh", "-c", write], HostConfig: { Binds: ["subpaths:/v"] } });
  const mounted = (Subpath: string, Cmd: string[]) =>
    api.run({ Cmd, HostConfig: { Mounts: [{ Type: "volume", Source: "subpaths", Target: "/x", VolumeOptions: { Subpath } }] } });
  expect((await mounted("a/f", ["cat", "/x"])).stdout).toBe("inside");
  expect((await mounted("l", ["cat", "/x/f"])).stdout).toBe("inside");
  for (const Subpath of ["out", "out/passwd", "up"])
    await expect(mounted(Subpath, ["ls", "/x"])).rejects.toThrow("escapes the base directory");
  await expect(mounted("none", ["ls", "/x"])).rejects.toThrow("no such file or directory");
  await api.bytes("DELETE", "/volumes/subpaths");
});

it("prune takes a named volume where all are asked for, and never one with options", async () => {
  const DriverOpts = { type: "tmpfs", device: "tmpfs" };
  for (const body of [{ Name: "plain" }, { Name: "set-up", DriverOpts }]) await api.json("POST", "/volumes/create", body);
  const { VolumesDeleted: gone } = await api.json<{ VolumesDeleted: string[] }>("POST", '/volumes/prune?filters={"all":["1"]}');
  expect(gone).toContain("plain");
  expect(gone).not.toContain("set-up");
  await api.bytes("DELETE", "/volumes/set-up");
});

it("a limit of processes is lifted by -1", async () => {
  const id = await api.start({ Cmd: ["sleep", "1000"], HostConfig: { PidsLimit: 20 } });
  const limit = async () =>
    (await api.exec(id, ["sh", "-c", "cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null"])).output;
  expect(await limit()).toBe("20");
  await api.json("POST", `/containers/${id}/update`, { PidsLimit: -1 });
  expect(await limit()).toBe("max");
  await api.remove(id);
});

it("a removal of a link does not remove the container", async () => {
  const id = await api.create({ Cmd: ["true"] }, "linked");
  await expect(api.bytes("DELETE", "/containers/linked?link=1")).rejects.toThrow(
    "Conflict, cannot remove the default link name of the container",
  );
  expect((await api.inspect(id)).Name).toBe("/linked");
  await api.remove(id);
});

it("a commit of what has changed nothing adds no layer, and knows its parent", async () => {
  const id = await api.create({ Cmd: ["true"] });
  const { Id } = await api.json<{ Id: string }>("POST", `/commit?container=${id}&repo=same`, { Labels: { q: "r" } });
  const [same, base] = await Promise.all(
    ["same", "busybox"].map((name) => api.json<{ Id: string; RootFS: object; GraphDriver: object }>("GET", `/images/${name}/json`)),
  );
  expect(same?.RootFS).toEqual(base?.RootFS);
  expect(base?.GraphDriver).toMatchObject({
    Data: { MergedDir: expect.any(String), UpperDir: expect.any(String), WorkDir: expect.any(String) },
  });
  const history = await api.json<{ Id: string; Tags: string[] | null }[]>("GET", "/images/same/history");
  expect(history.map(({ Id: of, Tags }) => [of, Tags])).toEqual([
    [Id, ["same:latest"]],
    [base?.Id, ["busybox:latest"]],
  ]);
  // What happens to an image is told with its labels.
  const query = `since=1&until=${Math.ceil(Date.now() / 1000)}&filters=${encodeURIComponent('{"type":["image"],"label":["q=r"]}')}`;
  const told = (await api.bytes("GET", `/events?${query}`)).toString().trim().split("\n");
  expect(told.map((line) => (JSON.parse(line) as { Action: string }).Action)).toContain("create");
  await api.remove(id);
  await api.json("DELETE", "/images/same");
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

it("a pattern of image names that is none is said", async () => {
  await expect(api.json("GET", `/images/json?filters=${encodeURIComponent('{"reference":["["]}')}`)).rejects.toThrow(
    "syntax error in pattern",
  );
});
