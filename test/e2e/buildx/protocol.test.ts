import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { handleUnaryCall, ServerDuplexStream, sendUnaryData } from "@grpc/grpc-js";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { type BuildkitClient, buildkitClient, control, failure, gateway } from "../../support/buildkit-client.ts";
import { fileSync } from "../../support/buildkit-files.ts";
import { busyboxArchive, tarArchive } from "../../support/busybox-image.ts";
import { testRegistry } from "../../support/registry.ts";
import { until } from "../../support/until.ts";

let berth: Berth;
let client: BuildkitClient;

beforeAll(async () => {
  berth = await installedBerth();
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  client = await buildkitClient(berth.socket);
});
afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await berth[Symbol.asyncDispose]();
});

interface Solved {
  readonly ExporterResponse: Record<string, string>;
}
interface Status {
  readonly vertexes: { name: string; cached: boolean; error: string }[];
  readonly logs: { msg: Buffer }[];
}

const newRef = () => randomBytes(8).toString("hex");
const dockerfileOnly = (text: string) =>
  client.session({ "moby.filesync.v1.FileSync/DiffCopy": fileSync({ dockerfile: { Dockerfile: text }, context: {} }) });
const solve = (request: object, o: { signal?: AbortSignal } = {}) =>
  client.call<Solved>(control, "Solve", { Ref: newRef(), ...request }, o);

describe("Control.Solve", () => {
  it("builds from the files and secrets of a session, tells each step, and asks again only for what changed", async () => {
    const asked: string[] = [];
    const files = {
      dockerfile: { Dockerfile: "FROM busybox\nCOPY src /src\nRUN --mount=type=secret,id=s cat /run/secrets/s /src/a\n" },
      context: { ".dockerignore": "src/skipped\n", "src/": "", "src/a": "A\n", "src/b": "B\n", "src/skipped": "S\n", other: "O\n" },
    };
    const getSecret: handleUnaryCall<{ ID: string }, object> = (call, callback) =>
      callback(null, { data: Buffer.from(`secret ${call.request.ID}\n`) });
    const build = async (context: Record<string, string>) => {
      const session = await client.session(
        {
          "moby.filesync.v1.FileSync/DiffCopy": fileSync({ ...files, context }, asked),
          "moby.buildkit.secrets.v1.Secrets/GetSecret": getSecret,
        },
        { sharedKey: "test:1" },
      );
      const Ref = newRef();
      const status = client.collect<Status>(control, "Status", { Ref });
      const Exporters = [{ Type: "moby", Attrs: { name: "by-protocol:1" } }];
      const { ExporterResponse } = await solve({ Ref, Session: session.id, Frontend: "dockerfile.v0", Exporters });
      session.kill();
      return { ExporterResponse, status: await status };
    };
    const first = await build(files.context);
    expect(asked).toEqual(["Dockerfile", ".dockerignore", "src/a", "src/b"]);
    expect(first.ExporterResponse["image.name"]).toBe("docker.io/library/by-protocol:1");
    expect(await berth.ok(["docker", "inspect", "-f", "{{.Id}}", "by-protocol:1"])).toBe(first.ExporterResponse["containerimage.digest"]);
    const names = new Set(first.status.flatMap((one) => one.vertexes.map((vertex) => vertex.name)));
    expect([...names]).toEqual([
      "[internal] load build definition from Dockerfile",
      "[internal] load .dockerignore",
      "[internal] load metadata for docker.io/library/busybox:latest",
      "[stage-0 1/3] FROM docker.io/library/busybox:latest",
      "[stage-0 2/3] COPY src /src",
      "[stage-0 3/3] RUN --mount=type=secret,id=s cat /run/secrets/s /src/a",
      "[internal] load build context",
      "exporting to image",
    ]);
    expect(Buffer.concat(first.status.flatMap((one) => one.logs.map((log) => log.msg))).toString()).toBe("secret s\nA\n");

    asked.length = 0;
    const second = await build({ ...files.context, "src/b": "B2\n" });
    expect(asked).toEqual(["src/b"]);
    expect(second.ExporterResponse["containerimage.digest"]).not.toBe(first.ExporterResponse["containerimage.digest"]);
    expect(await berth.ok(["docker", "run", "--rm", "by-protocol:1", "cat", "/src/b"])).toBe("B2");
  });

  it("says which lines of the Dockerfile are to blame", async () => {
    const session = await dockerfileOnly("FROM busybox\nRUN false || \\\n  exit 9\n");
    const error = await failure(solve({ Session: session.id, Frontend: "dockerfile.v0" }));
    expect(error).toMatchObject({ code: 2, message: expect.stringContaining("did not complete successfully: exit code: 9") });
    expect(error.details.map((detail) => detail.type_url)).toEqual(
      ["Source", "Vertex"].map((kind) => `github.com/moby/buildkit/errdefs.${kind}+json`),
    );
    expect(JSON.parse(error.details[0]?.value ?? "")).toMatchObject({
      info: { filename: "Dockerfile", language: "Dockerfile" },
      ranges: [{ start: { line: 2 }, end: { line: 3 } }],
    });
  });

  it.each([
    [{ Definition: { def: [Buffer.from([0x0a, 0])] } }, /LLB definition/],
    [{ Frontend: "gateway.v0", FrontendAttrs: { source: "example.com/front" } }, /the front end example\.com\/front is not supported/],
    [{ Frontend: "dockerfile.v0", Exporters: [{ Type: "floppy" }] }, /exporter "floppy" could not be found/],
    [{ Frontend: "dockerfile.v0", Cache: { Exports: [{ Type: "s3" }] } }, /the cache type s3 is not supported/],
    [
      { Frontend: "dockerfile.v0", Entitlements: ["security.insecure"] },
      /granting entitlement security\.insecure is not allowed by build daemon configuration/,
    ],
    [
      { Frontend: "dockerfile.v0", Session: "nobody", FrontendAttrs: { platform: "plan9/z80" } },
      /platform plan9\/z80 cannot be built here/,
    ],
  ])("refuses %j by name", async (request, message) => {
    expect((await failure(solve(request))).message).toMatch(message);
  });

  it("ends with an error when the client that has the files is gone", async () => {
    let asked = false;
    const session = await client.session({
      "moby.filesync.v1.FileSync/DiffCopy": () => {
        asked = true;
      },
    });
    const building = failure(solve({ Session: session.id, Frontend: "dockerfile.v0" }));
    await until(() => asked, { timeoutMs: 30_000, what: "the engine asks for files" });
    session.kill();
    expect((await building).message).toMatch(/DiffCopy|session has ended|stopped sending/);
  });
});

describe("outputs of Control.Solve", () => {
  /** A session that takes one archive. */
  async function taking(): Promise<{ id: string; archive: () => Buffer }> {
    const chunks: Buffer[] = [];
    const session = await client.session({
      "moby.filesync.v1.FileSync/DiffCopy": fileSync({ dockerfile: { Dockerfile: "FROM busybox\nLABEL archive=yes\n" }, context: {} }),
      "moby.filesync.v1.FileSend/DiffCopy": (call: ServerDuplexStream<{ data: Buffer }, object>) => {
        call.on("data", ({ data }: { data: Buffer }) => chunks.push(data));
        call.on("end", () => call.end());
      },
    });
    return { id: session.id, archive: () => Buffer.concat(chunks) };
  }

  it.each(["docker", "oci"])("sends a %s archive to the client, and keeps nothing", async (Type) => {
    const before = await berth.ok(["docker", "images", "-aq"]);
    const { id, archive } = await taking();
    await solve({ Session: id, Frontend: "dockerfile.v0", Exporters: [{ Type, Attrs: { name: "archived:2" } }] });
    expect(await berth.ok(["docker", "images", "-aq"])).toBe(before);
    const list = (await execa("tar", ["-t"], { input: archive() })).stdout.split("\n");
    expect(list).toEqual(expect.arrayContaining(["index.json", "oci-layout"]));
    expect(list.includes("manifest.json")).toBe(Type === "docker");
    await berth.ok(["image", "load"], { input: archive() });
    expect(await berth.ok(["docker", "inspect", "-f", "{{.Config.Labels.archive}}", "archived:2"])).toBe("yes");
    await berth.ok(["docker", "rmi", "archived:2"]);
  });

  it("pushes an image where the exporter says so", async () => {
    await using registry = await testRegistry();
    const session = await dockerfileOnly("FROM busybox\nLABEL pushed=yes\n");
    const name = `${registry.host}/pushed:1`;
    await solve({ Session: session.id, Frontend: "dockerfile.v0", Exporters: [{ Type: "image", Attrs: { name, push: "true" } }] });
    expect(existsSync(join(registry.data, "docker/registry/v2/repositories/pushed/_manifests/tags/1"))).toBe(true);
    await berth.ok(["docker", "rmi", name]);
  });
});

it("a context may be one upload of the session", async () => {
  const tar = tarArchive([
    { name: "Dockerfile", data: "FROM busybox\nCOPY a /a\n" },
    { name: "a", data: "uploaded\n" },
  ]);
  const session = await client.session({
    "moby.upload.v1.Upload/Pull": (call: ServerDuplexStream<object, { data: Buffer }>) => {
      expect(call.metadata.get("urlpath")).toEqual(["/ctx"]);
      call.write({ data: tar });
      call.end();
    },
  });
  const FrontendAttrs = { context: "http://buildkit-session/ctx" };
  await solve({
    Session: session.id,
    Frontend: "dockerfile.v0",
    FrontendAttrs,
    Exporters: [{ Type: "moby", Attrs: { name: "uploaded:1" } }],
  });
  expect(await berth.ok(["docker", "run", "--rm", "uploaded:1", "cat", "/a"])).toBe("uploaded");
});

it("a step's agent socket is the client's agent, and goes with the step", async () => {
  const session = await client.session({
    "moby.filesync.v1.FileSync/DiffCopy": fileSync({
      dockerfile: { Dockerfile: "FROM busybox\nRUN --mount=type=ssh sleep 1000\n" },
      context: {},
    }),
    "moby.sshforward.v1.SSH/CheckAgent": (_: unknown, callback: sendUnaryData<object>) => callback(null, {}),
    "moby.sshforward.v1.SSH/ForwardAgent": (call: ServerDuplexStream<{ data: Buffer }, object>) => {
      const id = String(call.metadata.get("buildkit.ssh.id")[0]);
      call.on("data", ({ data }: { data: Buffer }) => call.write({ data: Buffer.from(`${id} says ${data}`) }));
      call.on("end", () => call.end());
    },
  });
  const cancel = new AbortController();
  const building = failure(solve({ Session: session.id, Frontend: "dockerfile.v0" }, { signal: cancel.signal }));
  const agents = join(berth.run, "agents");
  const sockets = () =>
    existsSync(agents) ? readdirSync(agents, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith("agent.sock")) : [];
  const socket = await until(() => sockets()[0] ?? "", { timeoutMs: 60_000, what: "the agent's socket" });
  const answer = await new Promise((resolve, reject) => {
    const connection = connect(join(agents, socket), () => connection.write("hello"));
    connection.once("data", (data) => {
      resolve(String(data));
      connection.destroy();
    });
    connection.once("error", reject);
  });
  expect(answer).toBe("default says hello");
  cancel.abort();
  expect((await building).code).toBe(1);
  await until(() => sockets().length === 0, { timeoutMs: 30_000, what: "the socket is gone" });
});

describe("the gateway", () => {
  it("solves, reads and returns for a client that drives its own build", async () => {
    const session = await dockerfileOnly(
      "FROM busybox AS make\nRUN mkdir /d && echo content >/d/f\nFROM scratch\nCOPY --from=make /d /d\n",
    );
    const Ref = newRef();
    const ask = <T>(method: string, request: object) =>
      client.call<T>(gateway, method, request, { metadata: { "buildkit-controlapi-buildid": Ref } });
    const solving = solve({ Ref, Session: session.id, Exporters: [{ Type: "moby", Attrs: { name: "driven:1" } }] });
    await ask("Ping", {});
    const { result } = await ask<{ result: { ref: { id: string } } }>("Solve", { Frontend: "dockerfile.v0" });
    const { Data } = await ask<{ Data: Buffer }>("ReadFile", { Ref: result.ref.id, FilePath: "/d/f" });
    expect(Buffer.from(Data).toString()).toBe("content\n");
    expect(await ask("ReadDir", { Ref: result.ref.id, DirPath: "d" })).toMatchObject({ entries: [{ path: "f", size: 8 }] });
    expect((await failure(ask("ReadFile", { Ref: result.ref.id, FilePath: "../../etc/passwd" }))).message).toContain("no such file");
    await ask("Return", { result });
    expect((await solving).ExporterResponse["image.name"]).toBe("docker.io/library/driven:1");
  });

  it("ends the build with the error that the client returns", async () => {
    const Ref = newRef();
    const solving = failure(solve({ Ref }));
    const error = { code: 5, message: "not today", details: [] };
    await client.call(gateway, "Return", { error }, { metadata: { "buildkit-controlapi-buildid": Ref } });
    expect(await solving).toMatchObject({ code: 5, message: "not today" });
  });

  it("wants to know which build it is about", async () => {
    expect((await failure(client.call(gateway, "Ping", {}))).message).toContain("no buildid");
  });
});

it("tells that it is there, what it keeps, and which builds there were", async () => {
  expect(await client.call("grpc.health.v1.Health", "Check", {})).toEqual({ status: 1 });
  expect(await client.call(control, "ListWorkers", {})).toMatchObject({ record: [{ platforms: [{ OS: "linux" }] }] });
  const history = await client.collect<{ record: { Ref: string } }>(control, "ListenBuildHistory", { EarlyExit: true });
  expect(history.length).toBeGreaterThan(5);
  const { record } = await client.call<{ record: unknown[] }>(control, "DiskUsage", {});
  const gone = await client.collect(control, "Prune", { all: true });
  expect(gone).toHaveLength(record.length);
  expect(await client.call(control, "DiskUsage", {})).toEqual({ record: [] });
  expect(await client.call(control, "DiskUsage", { filter: ["colour==red"] })).toMatchObject({ record: [] });
});
