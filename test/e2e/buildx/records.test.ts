import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { dockerPlugins } from "../../../scripts/docker-plugins.mjs";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { type TestRegistry, testRegistry } from "../../support/registry.ts";

let berth: Berth;
let registry: TestRegistry;

beforeAll(async () => {
  [berth, registry] = await Promise.all([installedBerth(), testRegistry()]);
  mkdirSync(join(berth.root, "home/.docker"), { recursive: true });
  symlinkSync(dockerPlugins(), join(berth.root, "home/.docker/cli-plugins"));
  await berth.ok(["image", "load"], { input: busyboxArchive() });
});
afterAll(async () => {
  await berth[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});

/** The real docker client with the buildx plugin, in a directory with this Dockerfile. */
async function docker(args: readonly string[], o: { dockerfile?: string; exitCode?: number } = {}): Promise<string> {
  const cwd = join(berth.root, "context");
  mkdirSync(cwd, { recursive: true });
  if (o.dockerfile !== undefined) writeFileSync(join(cwd, "Dockerfile"), o.dockerfile);
  const home = join(berth.root, "home");
  const env = {
    PATH: berth.env["PATH"] ?? "",
    HOME: home,
    DOCKER_HOST: `unix://${berth.socket}`,
    NO_COLOR: "1",
    BUILDKIT_PROGRESS: "plain",
  };
  const { all, exitCode } = await execa("docker", args, {
    cwd,
    env,
    extendEnv: false,
    reject: false,
    timeout: 90_000,
    stdin: "ignore",
    all: true,
  });
  expect(all + exitCode).toMatch(new RegExp(`${o.exitCode ?? 0}$`));
  return all;
}

it("keeps a base that comes from a registry in its cache, where it is no image", async () => {
  const base = `${registry.host}/base:1`;
  for (const args of [
    ["tag", "busybox", base],
    ["push", base],
    ["rmi", base],
  ])
    await docker(args);
  const built = await docker(["build", "-t", "made", "."], { dockerfile: `FROM ${base}\nRUN echo made >/made\n` });
  expect(built).toMatch(new RegExp(`\\[1/2\\] FROM ${base}@sha256:[0-9a-f]{64}`));
  expect(await docker(["images", "-a", "--format", "{{.Repository}}"])).toBe("made\nbusybox");
  await docker(["image", "inspect", base], { exitCode: 1 });
  expect(await docker(["buildx", "du", "--verbose"])).toContain(`pulled from ${base}@sha256:`);
  // What the name means in its registry counts, as long as that answers.
  await docker(["tag", "made", base]);
  await docker(["push", base]);
  await docker(["rmi", base]);
  expect(await docker(["build", "-q", "."], { dockerfile: `FROM ${base}\nRUN cat /made\n` })).toMatch(/^sha256:/);
  await registry.kill();
  await docker(["build", "-q", "."], { dockerfile: `FROM ${base}\nRUN cat /made # and again\n` });
  await docker(["build", "--pull", "."], { exitCode: 1 });
  await registry.start();
  await docker(["builder", "prune", "-af"]);
  expect(await docker(["buildx", "du"])).toMatch(/Total:\s+0B/);
});

it("tells where a result came from, and what a failed build said", async () => {
  const metadata = join(berth.root, "metadata.json");
  await docker(["buildx", "build", "--metadata-file", metadata, "--build-arg", "V=1", "."], {
    dockerfile: "FROM busybox\nARG V\nRUN echo $V >/v\n",
  });
  const provenance = JSON.parse(readFileSync(metadata, "utf8"))["buildx.build.provenance"];
  expect(provenance).toMatchObject({
    buildType: "https://mobyproject.org/buildkit@v1",
    materials: [{ uri: expect.stringMatching(/^pkg:docker\/busybox@latest\?platform=linux%2F/), digest: { sha256: expect.any(String) } }],
    invocation: { configSource: { entryPoint: "Dockerfile" }, parameters: { frontend: "dockerfile.v0", args: { "build-arg:V": "1" } } },
  });
  const shown = JSON.parse(await docker(["buildx", "history", "inspect", "--format", "json"]));
  expect(shown.Attachments.map((one: { Type: string }) => one.Type)).toEqual([
    "application/vnd.docker.container.image.v1+json",
    "https://slsa.dev/provenance/v0.2",
  ]);
  const config = await docker(["buildx", "history", "inspect", "attachment", shown.Ref, shown.Attachments[0].Digest]);
  expect(JSON.parse(config).history.at(-1).created_by).toContain("echo $V >/v");
  const bundle = join(berth.root, "build.dockerbuild");
  await docker(["buildx", "history", "export", "-o", bundle]);
  expect(statSync(bundle).size).toBeGreaterThan(0);
  await docker(["buildx", "build", "."], { dockerfile: "FROM busybox\nRUN echo why; false\n", exitCode: 1 });
  const failed = JSON.parse(await docker(["buildx", "history", "inspect", "--format", "json"]));
  expect(failed).toMatchObject({ Status: "failed", Error: { Name: "[2/2] RUN echo why; false", Logs: ["why"] } });
  expect(await docker(["buildx", "history", "logs"])).toContain("[2/2] RUN echo why; false");
});

it("gives a client files with several names once", async () => {
  const out = join(berth.root, "linked");
  const dockerfile = "FROM busybox AS make\nRUN mkdir /d && echo x >/d/a && ln /d/a /d/b\nFROM scratch\nCOPY --from=make /d /\n";
  await docker(["build", "-o", out, "."], { dockerfile });
  expect(statSync(join(out, "a")).ino).toBe(statSync(join(out, "b")).ino);
});
