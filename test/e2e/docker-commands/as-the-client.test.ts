import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DockerCommands, dockerCommands } from "../../support/docker-commands.ts";

let commands: DockerCommands;
let work: string;
const docker = (...args: string[]) => commands.docker(...args);
const attempt = (...args: string[]) => commands.attempt(...args);

beforeAll(async () => {
  commands = await dockerCommands();
  work = commands.work;
});
afterAll(async () => {
  await commands[Symbol.asyncDispose]();
});

// What the docker CLI 28.5 says to the same command lines, up to its usage.
describe("what is wrong with an option of run is said before anything is made", () => {
  const told: [string[], number, string][] = [
    [
      ["--ulimit", "nofile=64:32"],
      125,
      'invalid argument "nofile=64:32" for "--ulimit" flag: ulimit soft limit must be less than or equal to hard limit: 64 > 32',
    ],
    [
      ["--sysctl", "kernel.hostname=x"],
      125,
      `invalid argument "kernel.hostname=x" for "--sysctl" flag: sysctl 'kernel.hostname=x' is not allowed`,
    ],
    [["--dns", "bogus"], 125, 'invalid argument "bogus" for "--dns" flag: IP address is not correctly formatted: bogus'],
    [
      ["--add-host", "bad:999.1.1.1"],
      125,
      'invalid argument "bad:999.1.1.1" for "--add-host" flag: invalid IP address in add-host: "999.1.1.1"',
    ],
    [["-m", "abc"], 125, `invalid argument "abc" for "-m, --memory" flag: invalid size: 'abc'`],
    [
      ["--mount", "type=bind,source=/tmp,target=/m,tmpfs-size=1"],
      125,
      `invalid argument "type=bind,source=/tmp,target=/m,tmpfs-size=1" for "--mount" flag: cannot mix 'tmpfs-*' options with mount type 'bind'`,
    ],
    [["-v", "v1:/x:ro:z"], 125, "docker: invalid spec: v1:/x:ro:z: too many colons"],
    [["-p", "localhost:8080:80"], 125, "docker: Invalid ip address: localhost"],
    [["-p", "80/xyz"], 125, "docker: Invalid proto: xyz"],
    [["--expose", "90-80"], 125, "docker: invalid range format for --expose: 90-80, error: Invalid range specified for the Port: 90-80"],
    [["--pid", "bogus"], 125, "docker: --pid: invalid PID mode"],
    [["--no-healthcheck", "--health-cmd", "x"], 125, "docker: --no-healthcheck conflicts with --health-* options"],
    [["--network", "a", "--network", "a"], 125, 'docker: network "a" is specified multiple times'],
    [["--env-file", "nosuch"], 125, "docker: open nosuch: no such file or directory"],
    [
      ["--cpu-count", "2"],
      1,
      '"--cpu-count" is only supported on a Docker daemon running on windows, but the Docker daemon is running on linux',
    ],
    [["-it"], 1, "the input device is not a TTY"],
  ];
  it.each(told)("%s", async (words, exitCode, message) => {
    const answer = await attempt("run", "--rm", ...words, "busybox", "true");
    expect([answer.exitCode, answer.stderr.split("\n")[0]]).toEqual([exitCode, message]);
  });
});

it("options that have two forms reach the engine in one", async () => {
  writeFileSync(
    join(work, "profile.json"),
    '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}',
  );
  await docker(
    ...["create", "--name", "forms", "--cap-add", "net_admin", "--add-host", "a=192.0.2.1", "--dns-opt", "ndots:3"],
    ...["--publish", "target=90,published=8090,protocol=udp", "--security-opt", "seccomp=profile.json", "busybox", "mkdir", "/x"],
  );
  const [{ HostConfig }] = JSON.parse(await docker("inspect", "forms"));
  expect(HostConfig).toMatchObject({
    CapAdd: ["CAP_NET_ADMIN"],
    ExtraHosts: ["a:192.0.2.1"],
    DnsOptions: ["ndots:3"],
    PortBindings: { "90/udp": [{ HostPort: "8090" }] },
  });
  expect(HostConfig.SecurityOpt[0]).toContain("SCMP_ACT_ERRNO");
  expect(await attempt("run", "--rm", "--security-opt", "seccomp=profile.json", "busybox", "mkdir", "/x")).toMatchObject({ exitCode: 1 });
  await docker("rm", "forms");
});

describe("templates", () => {
  beforeAll(() => docker("create", "--name", "shown", "-l", "k=v", "busybox", "sleep", "99"));
  afterAll(() => docker("rm", "shown"));

  it("know loops that end early, maps, methods and what is not set", async () => {
    const range =
      '{{range .Config.Cmd}}{{if eq . "99"}}{{break}}{{end}}{{.}}{{end}} {{.Config.Labels.none}} {{.HostConfig.Binds}} {{.HostConfig.Init}}';
    expect(await docker("inspect", "-f", range, "shown")).toBe("sleep <no value> [] <nil>");
    expect(await docker("ps", "-a", "--format", '{{.Names}} {{.Label "k"}}')).toBe("shown v");
    expect(await docker("ps", "-a", "--format", "table {{upper .Names}}\t{{.State}}")).toBe("NAMES     STATE\nSHOWN     created");
  });

  it.each([
    ["{{.Nope}}", 1, 'template: :1:2: executing "" at <.Nope>: map has no entry for key "Nope"'],
    ["{{.State.Nope}}", 1, 'template: :1:8: executing "" at <.State.Nope>: map has no entry for key "Nope"'],
    ["{{nofunc .}}", 64, 'template: :1: function "nofunc" not defined'],
    ["{{", 64, "template: :1: unclosed action"],
  ])("say where %s is wrong", async (template, exitCode, message) => {
    expect(await attempt("inspect", "-f", template, "shown")).toMatchObject({ exitCode, stderr: `template parsing error: ${message}` });
  });
});

it("help shows every flag as the docker CLI does, wrapped, with the other names of a command", async () => {
  expect(await docker("rm", "--help")).toBe(`Usage:  docker rm [OPTIONS] CONTAINER [CONTAINER...]

Remove one or more containers

Aliases:
  docker container rm, docker container remove, docker rm

Options:
  -f, --force     Force the removal of a running container (uses SIGKILL)
  -l, --link      Remove the specified link
  -v, --volumes   Remove anonymous volumes associated with the container`);
  expect(await docker("network", "create", "--help")).toContain(`
      --aux-address map      Auxiliary IPv4 or IPv6 addresses used by
                             Network driver (default map[])
`);
  expect(await docker("volume", "--help")).toContain("\n  rm          Remove one or more volumes\n");
});

it("what is refused for want of a swarm, an experiment or a registry's search is named", async () => {
  const refused = async (...words: string[]) => (await attempt(...words)).stderr.split("\n")[0];
  expect(await refused("volume", "create", "--availability", "pause", "v")).toContain("This node is not a swarm manager.");
  expect(await refused("start", "--checkpoint", "c", "x")).toBe(
    '"--checkpoint" is only supported on a Docker daemon with experimental features enabled',
  );
  expect(await refused("search", "--limit", "500", "x")).toContain("limit 500 is outside the range of [1, 100]");
  expect(await refused("search", "x")).toContain("searching a registry for images is not supported");
});

it("a refused import does not wait for the end of what it is sent", async () => {
  await docker("create", "--name", "exported", "busybox");
  await docker("export", "-o", "e.tar", "exported");
  expect((await attempt("import", "-c", "BOGUS 1", "e.tar")).stderr).toContain("BOGUS");
  await docker("rm", "exported");
});

it("the words around the commands: contexts, groups of a swarm, options before the command", async () => {
  expect(await docker("context", "ls", "--format", "{{.Name}} {{.Current}}")).toBe("default true");
  expect(await docker("context", "show")).toBe("default");
  expect(await docker("--version")).toMatch(/^Docker version \d+\.\d+\.\d+, build Berth$/);
  const first = async (...words: string[]) => {
    const { exitCode, stderr } = await attempt(...words);
    return `${exitCode} ${stderr.split("\n")[0]}`;
  };
  expect(await first("--context", "other", "ps")).toContain(
    '1 Failed to initialize: unable to resolve docker endpoint: context "other": context not found: open ',
  );
  expect(await first("--log-level", "bogus", "ps")).toBe("1 Unable to parse logging level: bogus");
  expect(await first("-H", "unix:///nosuch.sock", "ps")).toBe(
    "1 Cannot connect to the Docker daemon at unix:///nosuch.sock. Is the docker daemon running?",
  );
  expect(await first("service", "ls")).toContain("1 Error response from daemon: This node is not a swarm manager.");
  expect(await first("ps", "-f", "bogus")).toBe(
    '125 invalid argument "bogus" for "-f, --filter" flag: bad format of filter (expected name=value)',
  );
});

it("cp, rename and save name what they were given", async () => {
  await docker("create", "--name", "given", "busybox");
  writeFileSync(join(work, "note"), "x");
  const said = async (...words: string[]) => (await attempt(...words)).stderr;
  expect(await said("cp", "note", "given:")).toBe("no such directory");
  expect(await said("cp", "given:", "out")).toBe("Error response from daemon: bad parameter: path cannot be empty");
  expect(await said("cp", "note/", "given:/q")).toContain("not a directory");
  expect(await said("cp", "nothing", "given:/q")).toBe(`lstat ${work}/nothing: no such file or directory`);
  expect(await said("cp", "note", "given:/nosuch/")).toBe("no such directory");
  expect(await said("cp", "given:/etc/passwd", "nodir/x")).toBe(`invalid output path: directory "${work}/nodir" does not exist`);
  expect(await said("cp", "given:/nosuch", "out")).toBe("Error response from daemon: Could not find the file /nosuch in container given");
  expect(await said("rename", "given", "b d")).toContain("\nError: failed to rename container named given");
  expect(await said("save", "-o", "/nosuch/x.tar", "busybox")).toBe(
    "failed to save image: invalid output path: stat /nosuch: no such file or directory",
  );
  await docker("rm", "given");
});

it("lists are formatted as the docker CLI formats them", async () => {
  await docker("create", "--name", "shown", "-p", "127.0.0.1::80", "-e", "NO_SUCH_VARIABLE", "busybox");
  await docker("volume", "create", "--label", "b=<2>", "--opt", "type=tmpfs", "--opt", "device=tmpfs", "kept");
  const last = async (...words: string[]) => {
    const { exitCode, stderr } = await attempt(...words);
    return `${exitCode} ${stderr.split("\n")[0]}`;
  };
  expect(await last("ps", "-a", "--format", "{{.Nope}}")).toBe(
    '1 failed to execute template: template: :1:2: executing "" at <.Nope>: can\'t evaluate field Nope in type *formatter.ContainerContext',
  );
  expect(await last("ps", "--format", "{{.Names")).toBe("1 failed to parse template: template: :1: unclosed action");
  expect(await last("ps", "-aq", "--format", "{{.Names}}")).toBe(
    "0 WARNING: Ignoring custom format, because both --format and --quiet are set.",
  );
  expect(await docker("ps", "-a", "--format", "")).toContain("CONTAINER ID");
  expect(await docker("volume", "ls", "--format", "table {{.Name}}")).toBe("VOLUME NAME\nkept");
  expect(await docker("volume", "ls", "--format", "{{json .}}")).toMatch(
    /^\{"Availability":"N\/A","Driver":"local",.*"Labels":"b=\\u003c2\\u003e"/,
  );
  expect(await docker("volume", "inspect", "-f", "{{json .Options}}", "kept")).toBe('{"device":"tmpfs","type":"tmpfs"}');
  expect(await docker("inspect", "-f", "{{json .HostConfig.RestartPolicy}} {{index .Config.Env 0}}", "shown")).toMatch(
    /^\{"Name":"no","MaximumRetryCount":0\} NO_SUCH_VARIABLE$/,
  );
  expect((await attempt("run", "--rm", "-m", "1x", "busybox")).stderr).toContain("invalid suffix: 'x'");
  expect((await attempt("run", "--rm", "--shm-size", "-1", "busybox")).stderr).toContain("invalid size: '-1'");
  expect((await attempt("run", "--rm", "--log-driver", "none", "--log-opt", "max-size=1m", "busybox")).stderr).toContain(
    "docker: invalid logging opts for driver none",
  );
  await docker("rm", "shown");
  await docker("volume", "rm", "kept");
});
