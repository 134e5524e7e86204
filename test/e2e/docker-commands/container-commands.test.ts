import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type DockerCommands, dockerCommands } from "../../support/docker-commands.ts";

let commands: DockerCommands;
let work: string;
const docker = (...args: string[]) => commands.docker(...args);
const attempt = (...args: string[]) => commands.attempt(...args);

beforeAll(async () => {
  commands = await dockerCommands();
  work = commands.work;
  await docker(
    "run",
    "-d",
    "--name",
    "web",
    "-p",
    "127.0.0.1::80",
    "--memory",
    "64m",
    "--label",
    "a=b",
    "busybox",
    "sh",
    "-c",
    "echo made >/made; exec sleep 1000",
  );
});
afterAll(async () => {
  await commands[Symbol.asyncDispose]();
});

it("takes the limits, mounts and checks of run", async () => {
  writeFileSync(join(work, "vars"), "# a comment\nFROM_FILE=with blanks ");
  const id = await docker(
    ...["create", "--cpus", "0.5", "--ulimit", "nofile=100:200", "--shm-size", "1m", "--health-cmd", "true", "--health-interval", "1m30s"],
    ...[
      "--mount",
      "type=tmpfs,target=/t,tmpfs-size=1m",
      "--env-file",
      "vars",
      "--device",
      "/dev/null:/dev/zilch:r",
      "--log-opt",
      "max-size=1m",
    ],
    ...["--restart", "on-failure:3", "--cidfile", "cid", "busybox", "true"],
  );
  expect(readFileSync(join(work, "cid"), "utf8")).toBe(id.trim());
  const [{ HostConfig, Config }] = JSON.parse(await docker("inspect", id.trim()));
  expect(HostConfig).toMatchObject({
    NanoCpus: 5e8,
    Ulimits: [{ Name: "nofile", Soft: 100, Hard: 200 }],
    ShmSize: 1024 * 1024,
    Mounts: [{ Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 1024 * 1024 } }],
    Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/zilch", CgroupPermissions: "r" }],
    RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
    LogConfig: { Config: { "max-size": "1m" } },
  });
  expect(Config).toMatchObject({ Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: 90e9 } });
  expect(Config.Env).toContain("FROM_FILE=with blanks ");
  await docker("rm", id.trim());
});

it("copies files in and out, shows what changed, exports and commits", async () => {
  writeFileSync(join(work, "in.txt"), "copied in");
  await docker("cp", "in.txt", "web:/tmp/");
  await docker("cp", "web:/tmp/in.txt", "out.txt");
  expect(readFileSync(join(work, "out.txt"), "utf8")).toBe("copied in");
  expect((await docker("diff", "web")).split("\n")).toEqual(expect.arrayContaining(["A /made", "C /tmp", "A /tmp/in.txt"]));
  await docker("export", "-o", "root.tar", "web");
  expect(readFileSync(join(work, "root.tar")).includes("copied in")).toBe(true);
  const id = await docker("commit", "-m", "a note", "-c", 'CMD ["cat", "/tmp/in.txt"]', "web", "made:1");
  expect(await docker("image", "inspect", "-f", "{{.Id}} {{.Comment}}", "made:1")).toBe(`${id.trim()} a note`);
  expect(await docker("run", "--rm", "made:1")).toBe("copied in");
});

it("shows ports, processes, usage and sizes, also by template", async () => {
  expect(await docker("port", "web")).toMatch(/^80\/tcp -> 127\.0\.0\.1:\d+$/);
  expect(await docker("port", "web", "80")).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(await attempt("port", "web", "81")).toMatchObject({ exitCode: 1, stderr: "Error: No public port '81' published for web" });
  expect(await docker("top", "web", "-o", "pid,comm")).toMatch(/^PID +COMMAND\n\d+ +sleep$/);
  expect(await docker("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}} {{.MemUsage}}", "web")).toMatch(/^web 1 .* \/ 64MiB$/);
  expect(await docker("ps", "-s", "--filter", "name=web", "--format", "{{.Names}} {{.Size}}")).toMatch(/^web \d+B \(virtual .*MB\)$/);
  expect(await docker("info", "-f", "{{.Driver}} {{.Swarm.LocalNodeState}}")).toBe("overlay2 inactive");
  expect(await docker("version", "-f", "{{.Server.ApiVersion}}")).toBe("1.51");
});

it("changes limits while it runs, and connects networks", async () => {
  await docker("update", "--memory", "96m", "--memory-swap", "96m", "--restart", "always", "web");
  expect(await docker("inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}", "web")).toBe("100663296 always");
  await docker("network", "create", "side");
  await docker("network", "connect", "--alias", "other", "side", "web");
  expect(await docker("run", "--rm", "--network", "side", "busybox", "nslookup", "other")).toContain("Address");
  await docker("network", "disconnect", "side", "web");
  await docker("network", "rm", "side");
});

it("attaches at the start and answers the exit code", async () => {
  await docker("create", "--name", "once", "busybox", "sh", "-c", "echo out; exit 6");
  expect(await attempt("start", "-a", "once")).toMatchObject({ exitCode: 6, stdout: "out" });
  expect(await attempt("attach", "once")).toMatchObject({
    exitCode: 1,
    stderr: "You cannot attach to a stopped container, start it first",
  });
  expect(await docker("wait", "once")).toBe("6");
});

it("tells events of the past, and prunes what it is told to", async () => {
  const events = await docker("events", "--since", "10m", "--until", "0s", "--filter", "container=once", "--format", "{{.Action}}");
  expect(events.split("\n")).toEqual(expect.arrayContaining(["create", "attach", "start", "die"]));
  expect(await attempt("container", "prune")).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/\[y\/N\] $/) });
  expect(await docker("container", "prune", "-f")).toMatch(/^Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: 0B$/);
});

it("looks for an image that is not here in its registry before it gives up", async () => {
  const refused = await attempt("run", "--rm", "127.0.0.1:1/none");
  expect(refused.exitCode).toBe(125);
  expect(refused.stderr).toContain("Unable to find image '127.0.0.1:1/none:latest' locally");
  expect(await attempt("run", "--pull", "never", "127.0.0.1:1/none")).toMatchObject({
    exitCode: 125,
    stderr: expect.stringContaining("No such image: 127.0.0.1:1/none:latest"),
  });
});

it("shows an attached client what a container without a log says, and refuses to read it later", async () => {
  const script = "yes | head -c 3000000; echo end >&2";
  const ran = await attempt("run", "--name", "unlogged", "--log-driver", "none", "busybox", "sh", "-c", script);
  expect(ran).toMatchObject({ exitCode: 0, stderr: "end" });
  expect(ran.stdout.length).toBeGreaterThan(2_999_990);
  expect(await docker("inspect", "-f", "[{{.LogPath}}]", "unlogged")).toBe("[]");
  expect(await attempt("logs", "unlogged")).toMatchObject({
    exitCode: 1,
    stderr: "Error response from daemon: configured logging driver does not support reading",
  });
  expect((await attempt("create", "--log-opt", "foo=1", "busybox")).stderr).toContain("unknown log opt 'foo' for json-file log driver");
});

it("attaches the streams that -a names, and no others", async () => {
  const both = ["busybox", "sh", "-c", "echo out; echo err >&2"];
  expect(await attempt("run", "--rm", "-a", "stderr", ...both)).toMatchObject({ exitCode: 0, stdout: "", stderr: "err" });
  expect(await attempt("run", "--rm", "-a", "STDOUT", ...both)).toMatchObject({ exitCode: 0, stdout: "out", stderr: "" });
  expect((await attempt("run", "-d", "-a", "stdout", ...both)).stderr).toContain("cannot specify both --attach and --detach");
  expect((await attempt("run", "-a", "stdall", ...both)).stderr).toContain("valid streams are STDIN, STDOUT and STDERR");
});

it("asks for block IO of single devices, for GPUs, and for several subnets as Docker's flags do", async () => {
  const id = await docker("create", "--device-read-bps", "/dev/null:1mb", "--device-write-iops", "/dev/null:100", "busybox");
  expect(JSON.parse(await docker("inspect", "-f", "{{json .HostConfig}}", id))).toMatchObject({
    BlkioDeviceReadBps: [{ Path: "/dev/null", Rate: 1024 * 1024 }],
    BlkioDeviceWriteIOps: [{ Path: "/dev/null", Rate: 100 }],
  });
  expect((await attempt("create", "--device-read-bps", "null:1mb", "busybox")).stderr).toContain("bad format for device path: null:1mb");
  const wish = await attempt("run", "--name", "gpu", "--gpus", "all", "busybox");
  expect(wish.exitCode).toBe(125);
  expect(wish.stderr).toContain('could not select device driver "" with capabilities: [[gpu]]');
  expect(await docker("inspect", "-f", "{{.State.Status}}", "gpu")).toBe("created");
  await docker("network", "create", "--subnet", "10.77.1.0/24", "--subnet", "fd77::/64", "--ipv6", "--aux-address", "a=10.77.1.5", "two");
  expect(JSON.parse(await docker("network", "inspect", "-f", "{{json .IPAM.Config}}", "two"))).toMatchObject([
    { Subnet: "10.77.1.0/24", AuxiliaryAddresses: { a: "10.77.1.5" } },
    { Subnet: "fd77::/64" },
  ]);
  await docker("network", "rm", "two");
  await docker("network", "rm", "-f", "two");
});
