import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dockerPlugins } from "../../../scripts/docker-plugins.mjs";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { type TestRegistry, testRegistry } from "../../support/registry.ts";
import { until } from "../../support/until.ts";

let berth: Berth;
let home: string;

beforeAll(async () => {
  berth = await installedBerth();
  home = join(berth.root, "home");
  mkdirSync(join(home, ".docker"), { recursive: true });
  symlinkSync(dockerPlugins(), join(home, ".docker/cli-plugins"));
  await berth.ok(["image", "load"], { input: busyboxArchive() });
});
afterAll(async () => {
  await berth[Symbol.asyncDispose]();
});

/** The real docker client with the real plugins, on our socket. */
const docker = (
  args: readonly string[],
  o: { cwd?: string; input?: string | Buffer; env?: Record<string, string>; detached?: boolean } = {},
) =>
  execa("docker", args, {
    cwd: o.cwd ?? berth.root,
    env: {
      PATH: berth.env["PATH"] ?? "",
      HOME: home,
      DOCKER_HOST: `unix://${berth.socket}`,
      NO_COLOR: "1",
      COMPOSE_MENU: "0",
      ...o.env,
    },
    extendEnv: false,
    reject: false,
    timeout: 90_000,
    detached: o.detached === true,
    ...(o.input === undefined ? { stdin: "ignore" as const } : { input: o.input }),
  });

const buildx = (args: readonly string[], o: Parameters<typeof docker>[1] = {}) =>
  docker(["buildx", "build", "--progress=plain", ...args], o);

async function output(...args: string[]): Promise<string> {
  const result = await docker(args);
  expect(result.stderr + result.exitCode).toMatch(/0$/);
  return String(result.stdout);
}

function directory(name: string, files: Record<string, string>): string {
  const path = join(berth.root, name);
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), content);
  }
  return path;
}

describe("docker buildx build", () => {
  it("builds what .dockerignore leaves, with arguments, labels and a secret, and tells where the image is", async () => {
    const context = directory("app", {
      "a.txt": "content\n",
      "sub/b.txt": "b\n",
      "noise.log": "not sent\n",
      ".dockerignore": "*.log\n",
      Dockerfile:
        'FROM busybox\nARG WHO=you\nWORKDIR /app\nCOPY . .\nRUN --mount=type=secret,id=token echo "$WHO $(cat /run/secrets/token)"; find . -type f | sort\nCMD ["cat", "a.txt"]\n',
    });
    const secret = join(berth.root, "token");
    writeFileSync(secret, "hush");
    const [iid, metadata] = [join(berth.root, "iid"), join(berth.root, "metadata")];
    const args = ["-t", "app:1", "--build-arg", "WHO=me", "--label", "l=v", "--secret", `id=token,src=${secret}`];
    const first = await buildx([...args, "--iidfile", iid, "--metadata-file", metadata, context]);
    expect(first.stderr).toMatch(
      /me hush\n#\d+ [\d.]+ \.\/\.dockerignore\n#\d+ [\d.]+ \.\/Dockerfile\n#\d+ [\d.]+ \.\/a\.txt\n#\d+ [\d.]+ \.\/sub\/b\.txt\n/,
    );
    expect(first.exitCode).toBe(0);
    expect(await output("run", "--rm", "app:1")).toBe("content");
    expect(await output("inspect", "-f", '{{.Id}} {{index .Config.Labels "l"}}', "app:1")).toBe(`${readFileSync(iid, "utf8")} v`);
    expect(JSON.parse(readFileSync(metadata, "utf8"))).toMatchObject({
      "containerimage.digest": readFileSync(iid, "utf8"),
      "image.name": "docker.io/library/app:1",
    });

    const again = await buildx([...args, context]);
    expect(again.stderr.match(/^#\d+ CACHED$/gm)).toHaveLength(4);
    writeFileSync(join(context, "a.txt"), "changed\n");
    await buildx([...args, context]);
    expect(await output("run", "--rm", "app:1")).toBe("changed");
  });

  it("shows the step that failed, its output and its lines, and exits with 1", async () => {
    const context = directory("failing", { Dockerfile: "FROM busybox\nRUN echo one\nRUN echo before && \\\n    exit 3\n" });
    const { exitCode, stderr } = await buildx([context]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(" > [3/3] RUN echo before &&     exit 3:\n");
    expect(stderr).toMatch(/ 3 \| >>> RUN echo before && \\\n +4 \| >>> {5}exit 3\n/);
    expect(stderr).toContain("did not complete successfully: exit code: 3");
  });

  it("reads the Dockerfile and the context from standard input", async () => {
    const context = directory("stdin", { "a.txt": "from a directory\n" });
    expect((await buildx(["-t", "stdin:1", "-f", "-", context], { input: "FROM busybox\nCOPY a.txt /\n" })).exitCode).toBe(0);
    expect(await output("run", "--rm", "stdin:1", "cat", "/a.txt")).toBe("from a directory");
    const tar = await execa(
      "tar",
      ["-C", directory("tar", { "a.txt": "from a tar\n", Dockerfile: "FROM busybox\nCOPY a.txt /\n" }), "-c", "."],
      {
        encoding: "buffer",
      },
    );
    expect((await buildx(["-t", "stdin:2", "-"], { input: Buffer.from(tar.stdout) })).exitCode).toBe(0);
    expect(await output("run", "--rm", "stdin:2", "cat", "/a.txt")).toBe("from a tar");
  });

  it("writes the result into the client's directory or archive instead of the image store", async () => {
    const context = directory("outputs", {
      Dockerfile:
        "FROM busybox AS make\nRUN mkdir -p /o/d && echo x >/o/d/f && chmod 640 /o/d/f && ln -s d/f /o/l\nFROM scratch\nCOPY --from=make /o /\n",
    });
    const before = await output("images", "-aq");
    const [out, tar] = [join(berth.root, "out"), join(berth.root, "out.tar")];
    const results = [await buildx(["-o", `type=local,dest=${out}`, context]), await buildx(["-o", `type=tar,dest=${tar}`, context])];
    expect(results.map((result) => result.exitCode)).toEqual([0, 0]);
    expect(readdirSync(out)).toEqual(["d", "l"]);
    expect(readFileSync(join(out, "l"), "utf8")).toBe("x\n");
    const { stdout } = await execa("tar", ["-tvf", tar]);
    expect(stdout.split("\n").map((line) => line.replace(/ .* /, " "))).toEqual(["drwxr-xr-x d/", "-rw-r----- d/f", "lrwxrwxrwx d/f"]);
    expect(await output("images", "-aq")).toBe(before);
  });

  it("gives one result to several outputs, packed and annotated as each of them asks", async () => {
    const context = directory("several", { Dockerfile: "FROM busybox\nRUN echo x >/x\n" });
    const path = (name: string) => join(berth.root, name);
    const oci = `type=oci,dest=${path("several.tar")},compression=gzip,annotation.k=v`;
    const more = ["-o", "type=docker,name=several:1", "-o", `type=local,dest=${path("several-out")}`];
    expect((await buildx(["-o", oci, ...more, context])).exitCode).toBe(0);
    expect(await output("run", "--rm", "several:1", "cat", "/x")).toBe("x");
    expect(readFileSync(join(path("several-out"), "x"), "utf8")).toBe("x\n");
    const member = async (name: string) => JSON.parse((await execa("tar", ["-xOf", path("several.tar"), name])).stdout);
    const index = await member("index.json");
    const manifest = await member(`blobs/${index.manifests[0].digest.replace(":", "/")}`);
    expect(manifest.annotations).toEqual({ k: "v" });
    expect(manifest.layers.map((layer: { mediaType: string }) => layer.mediaType)).toEqual(
      Array(2).fill("application/vnd.oci.image.layer.v1.tar+gzip"),
    );
    const bad = await buildx(["-o", `type=oci,dest=${path("bad.tar")},compression=lzma`, context]);
    expect([bad.exitCode, bad.stderr]).toEqual([1, expect.stringContaining("unsupported layer compression type lzma")]);
  });

  it("gives a step the host's network only where that is allowed", async () => {
    const context = directory("host-network", { Dockerfile: "FROM busybox\nRUN --network=host true\n" });
    const refused = await buildx([context]);
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining("network.host is not allowed")]);
    expect((await buildx(["--allow", "network.host", context])).exitCode).toBe(0);
  });

  it("checks as the build argument says, not the file", async () => {
    const Dockerfile = "# check=skip=all\nFROM busybox\nMAINTAINER me\n";
    const context = directory("check-arg", { Dockerfile });
    const { exitCode, stderr } = await buildx(["--build-arg", "BUILDKIT_DOCKERFILE_CHECK=error=true", context]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("lint violation found for rules: MaintainerDeprecated")]);
    expect((await buildx([context])).stderr).not.toContain("Maintainer");
  });

  it("says in BuildKit's words which image there is none of, and which stage", async () => {
    const context = directory("no-base", { Dockerfile: "FROM busybox AS one\nFROM 127.0.0.1:1/none:1\n" });
    const { stderr } = await buildx([context]);
    expect(stderr).toContain("failed to solve: 127.0.0.1:1/none:1: failed to resolve source metadata for 127.0.0.1:1/none:1: ");
    expect(stderr).toMatch(/ 2 \| >>> FROM 127\.0\.0\.1:1\/none:1\n/);
    expect((await buildx(["--target", "0", context])).stderr).toContain('target stage "0" could not be found');
  });

  it("takes contexts by name: a directory, an image", async () => {
    const extra = directory("extra", { "o.txt": "other\n", skipped: "", ".dockerignore": "skipped\n" });
    const context = directory("named", { Dockerfile: "FROM base\nCOPY --from=extra . /extra/\nRUN ls /extra\n" });
    const named = ["--build-context", "base=docker-image://busybox", "--build-context", `extra=${extra}`];
    const { exitCode, stderr } = await buildx([...named, context]);
    expect(stderr).toMatch(/^#\d+ [\d.]+ o\.txt$/m);
    expect(stderr).not.toContain("skipped");
    expect(exitCode).toBe(0);
  });

  it("takes an OCI layout of the client as a base and as a source", async () => {
    const layout = directory("layout", { Dockerfile: "FROM busybox\nRUN echo laid >/laid\nENV LAID=1\n" });
    const archive = join(berth.root, "layout.tar");
    await buildx(["-o", `type=oci,dest=${archive},compression=gzip`, layout]);
    await execa("tar", ["-xf", archive, "-C", layout]);
    const [{ digest }] = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")).manifests;
    await output("buildx", "prune", "-af");
    const Dockerfile = "FROM base\nCOPY --from=base /laid /copied\nRUN echo $LAID; cat /laid /copied\n";
    const context = directory("on-layout", { Dockerfile });
    const build = (reference: string) => buildx(["--no-cache", "--build-context", `base=oci-layout://${reference}`, context]);
    const { exitCode, stderr } = await build(`${layout}@${digest}`);
    expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/ 1\n#\d+ [\d.]+ laid\n#\d+ [\d.]+ laid\n/)]);
    expect((await build(`${layout}@sha256:${"0".repeat(64)}`)).exitCode).toBe(1);
  });

  it("takes a directory as a base, and a Dockerfile from a URL", async () => {
    const base = directory("base-tree", { "etc/marker": "mine\n" });
    const context = directory("on-tree", { Dockerfile: "FROM tree AS t\nFROM busybox\nCOPY --from=t /etc/marker /marker\n" });
    expect((await buildx(["--build-context", `tree=${base}`, "-t", "on-tree:1", context])).exitCode).toBe(0);
    expect(await output("run", "--rm", "on-tree:1", "cat", "/marker")).toBe("mine");
    const web = createHttpServer((_, response) => response.end("FROM busybox\nLABEL from=web\n"));
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    const { port } = web.address() as AddressInfo; // of a TCP server that listens
    const { exitCode, stderr } = await buildx(["-t", "web:1", `http://127.0.0.1:${port}/Dockerfile`]);
    const apart = await buildx(["-t", "web:2", "-f", `http://127.0.0.1:${port}/Dockerfile`, base]);
    web.close();
    expect([apart.exitCode, apart.stderr]).toEqual([0, expect.stringContaining(`[internal] load http://127.0.0.1:${port}/Dockerfile`)]);
    expect(stderr + exitCode).toMatch(/0$/);
    expect(await output("inspect", "-f", "{{.Config.Labels.from}}", "web:1")).toBe("web");
  });

  it("gives a step the client's agent", async () => {
    const path = join(berth.root, "agent.sock");
    const agent = createServer((socket) => socket.pipe(socket));
    await new Promise<void>((resolve) => agent.listen(path, resolve));
    const context = directory("ssh", { Dockerfile: 'FROM busybox\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK" && echo there\n' });
    const [given, missing] = [await buildx(["--ssh", `default=${path}`, context]), await buildx(["--no-cache", context])];
    agent.close();
    expect([given.exitCode, missing.exitCode]).toEqual([0, 1]);
    expect(given.stderr).toMatch(/ there\n/);
  });

  it("ends the step when the client is interrupted", async () => {
    const context = directory("cancel", { Dockerfile: "FROM busybox\nRUN echo begin; exec sleep 12345.5\n" });
    const building = buildx([context], { detached: true });
    const running = () => readdirSync("/proc").some((pid) => /^\d+$/.test(pid) && commandLine(pid).includes("sleep\x0012345.5"));
    await until(running, { timeoutMs: 60_000, what: "the step runs" });
    // As Ctrl-C does it: clients of some ages do not pass the signal on to their plugin.
    process.kill(-(building.pid ?? 0), "SIGINT");
    const { exitCode, stderr } = await building;
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/CANCELED|context canceled/);
    await until(() => !running(), { timeoutMs: 20_000, what: "the step is gone" });
  });

  it("checks, lists and outlines without building", async () => {
    const context = directory("checked", {
      Dockerfile: "FROM busybox AS first\nMAINTAINER me\nFROM first AS second\nARG V=1\nWORKDIR /$V/$PATHH\n",
    });
    const check = await docker(["buildx", "build", "--call=check", context]);
    expect([check.exitCode, check.stdout]).toEqual([1, expect.stringContaining("WARNING: MaintainerDeprecated")]);
    expect(check.stdout).toMatch(
      /WARNING: UndefinedVar .*\nUsage of undefined variable '\$PATHH' \(did you mean \$PATH\?\)\n.*Dockerfile:5\n/,
    );
    const targets = await docker(["buildx", "build", "--call=targets,format=json", context]);
    expect(JSON.parse(targets.stdout)).toMatchObject({
      targets: [
        { name: "first", base: "busybox" },
        { name: "second", default: true },
      ],
    });
    const outline = await docker(["buildx", "build", "--call=outline,format=json", context]);
    expect(JSON.parse(outline.stdout)).toMatchObject({ name: "second", args: [{ name: "V", value: "1" }] });
  });

  it("refuses by name what it cannot do", async () => {
    const context = directory("refused", { Dockerfile: "FROM busybox\n" });
    const { exitCode, stderr } = await buildx(["--platform", "windows/amd64", context]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/platform windows\/amd64 cannot be built here/);
  });
});

it("docker build works with the client's own way to ask", async () => {
  const context = directory("plain", { "a.txt": "plain\n", Dockerfile: "FROM busybox\nCOPY a.txt /\n" });
  expect((await docker(["build", "-t", "plain:1", context])).exitCode).toBe(0);
  expect(await output("run", "--rm", "plain:1", "cat", "/a.txt")).toBe("plain");
});

it("bake builds several targets, one of them from another's result", async () => {
  const path = directory("bake", {
    Dockerfile: "FROM busybox AS base\nRUN echo base >/base\nFROM base AS a\nRUN echo A >/out\nFROM base AS b\nARG V\nRUN echo $V >/out\n",
    "Dockerfile.on": "FROM linked\nRUN cat /out >>/base\n",
    "docker-bake.hcl": `
      group "default" { targets = ["a", "b", "on"] }
      target "a" {
        target = "a"
        tags = ["bake:a"]
      }
      target "b" {
        target = "b"
        tags = ["bake:b"]
        args = { V = "two" }
      }
      target "on" {
        dockerfile = "Dockerfile.on"
        contexts = { linked = "target:a" }
        tags = ["bake:on"]
      }`,
  });
  const { exitCode, stderr } = await docker(["buildx", "bake", "--progress=plain"], { cwd: path });
  expect(stderr + exitCode).toMatch(/0$/);
  expect(await output("run", "--rm", "bake:b", "cat", "/out")).toBe("two");
  expect(await output("run", "--rm", "bake:on", "cat", "/base")).toBe("base\nA");
});

it("docker compose builds services, one on another's image, and runs them", async () => {
  const path = directory("composed", {
    "compose.yaml": `
      name: composed
      services:
        base: { build: { context: ., dockerfile: Dockerfile.base }, command: [sleep, "1000"], init: true }
        web:
          build: { context: ., args: { V: "7" }, additional_contexts: { onto: "service:base" }, tags: ["composed-web:extra"] }
          command: [sleep, "1000"]
          init: true`,
    "Dockerfile.base": "FROM busybox\nRUN echo base >/base\n",
    Dockerfile: "FROM onto\nARG V\nRUN echo $V >>/base\n",
  });
  const up = await docker(["compose", "up", "-d", "--build"], { cwd: path });
  expect(up.stderr + up.exitCode).toMatch(/0$/);
  expect((await docker(["compose", "exec", "-T", "web", "cat", "/base"], { cwd: path })).stdout).toBe("base\n7");
  expect(await output("image", "inspect", "-f", "{{.RepoTags}}", "composed-web:extra")).toContain("composed-web:latest");
  expect((await docker(["compose", "down", "-t", "0"], { cwd: path })).exitCode).toBe(0);
});

it("shows itself as a builder, what its cache holds, and lets it go", async () => {
  expect(await output("buildx", "ls")).toMatch(/default\s+running/);
  expect(await output("buildx", "inspect")).toContain("org.mobyproject.buildkit.worker.moby.host-gateway-ip");
  expect(await output("buildx", "du", "--verbose")).toMatch(/Description:\s+RUN \/bin\/sh -c echo base >\/base/);
  expect(await output("buildx", "du", "--filter", "type=source.local", "--verbose")).toMatch(/Description:\s+local source for context/);
  await output("buildx", "prune", "-af", "--max-used-space", "1tb", "--min-free-space", "1");
  expect(await output("buildx", "du")).not.toMatch(/Total:\s+0B/);
  await output("buildx", "prune", "-af");
  expect(await output("buildx", "du")).toMatch(/Total:\s+0B/);
});

describe("with a registry that wants a password", () => {
  let registry: TestRegistry;
  beforeAll(async () => {
    registry = await testRegistry({ user: "me", password: "secret" });
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
  });

  it("pulls a base with what the client is logged in with, and pushes", async () => {
    const base = `${registry.host}/base:1`;
    await output("tag", "busybox", base);
    expect((await docker(["login", "-u", "me", "--password-stdin", registry.host], { input: "secret" })).exitCode).toBe(0);
    await output("push", base);
    await output("rmi", base);
    // What is for another machine leaves the name to what runs here.
    const foreign = ["--platform", "linux/s390x"];
    const other = directory("foreign", {
      Dockerfile:
        "FROM --platform=$BUILDPLATFORM busybox AS make\nARG TARGETARCH\nRUN echo $TARGETARCH >/arch\nFROM scratch\nCOPY --from=make /arch /\n",
    });
    expect((await buildx([...foreign, "--push", "-t", `${registry.host}/foreign:1`, other])).exitCode).toBe(0);
    expect(await output("inspect", "-f", "{{.Architecture}}", `${registry.host}/foreign:1`)).toBe("s390x");
    await output("tag", "busybox", `${registry.host}/foreign:1`);
    const onForeign = directory("on-foreign", { Dockerfile: `FROM ${registry.host}/foreign:1\nCOPY Dockerfile /sh\n` });
    const files = join(berth.root, "foreign-out");
    expect((await buildx([...foreign, "-o", files, onForeign])).exitCode).toBe(0);
    expect([readFileSync(join(files, "arch"), "utf8"), existsSync(join(files, "sh"))]).toEqual(["s390x\n", true]);
    expect(await output("inspect", "-f", "{{.Architecture}}", `${registry.host}/foreign:1`)).not.toBe("s390x");
    const context = directory("pulled", { Dockerfile: `FROM ${base}\nRUN echo pulled >/pulled\n` });
    const metadata = join(berth.root, "pushed.json");
    const { exitCode, stderr } = await buildx(["--push", "-t", `${registry.host}/made:1`, "--metadata-file", metadata, context]);
    expect(stderr + exitCode).toMatch(/0$/);
    const { "containerimage.digest": digest } = JSON.parse(readFileSync(metadata, "utf8"));
    expect(await output("buildx", "imagetools", "inspect", `${registry.host}/made:1`)).toContain(`Digest:    ${digest}`);
    expect(existsSync(join(registry.data, "docker/registry/v2/repositories/made/_manifests/tags/1"))).toBe(true);
  });
});

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // it ended meanwhile
  }
}
