import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { dockerPlugins } from "../../../scripts/docker-plugins.mjs";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { type TestRegistry, testRegistry } from "../../support/registry.ts";

let registry: TestRegistry;
/** Two machines that share nothing but the registry (and what is copied between them). */
let here: Berth;
let there: Berth;

beforeAll(async () => {
  registry = await testRegistry({ user: "u", password: "p" });
  [here, there] = await Promise.all([installedBerth(), installedBerth()]);
  for (const berth of [here, there]) {
    await berth.ok(["image", "load"], { input: busyboxArchive() });
    const config = { auths: { [registry.host]: { auth: Buffer.from("u:p").toString("base64") } } };
    mkdirSync(join(berth.root, "home/.docker"), { recursive: true });
    writeFileSync(join(berth.root, "home/.docker/config.json"), JSON.stringify(config));
    symlinkSync(dockerPlugins(), join(berth.root, "home/.docker/cli-plugins"));
  }
});
afterAll(async () => {
  await Promise.all([here?.[Symbol.asyncDispose](), there?.[Symbol.asyncDispose]()]);
  await registry?.[Symbol.asyncDispose]();
});

function project(berth: Berth, name: string, files: Record<string, string>): string {
  const path = join(berth.root, name);
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), content);
  }
  return path;
}

const loggedIn = (berth: Berth) => ({ DOCKER_CONFIG: join(berth.root, "home/.docker") });

const docker = async (berth: Berth, args: readonly string[]) =>
  await execa("docker", args, {
    cwd: berth.root,
    env: { PATH: berth.env["PATH"] ?? "", HOME: join(berth.root, "home"), DOCKER_HOST: `unix://${berth.socket}`, NO_COLOR: "1" },
    extendEnv: false,
    reject: false,
    timeout: 90_000,
    stdin: "ignore",
  });

const dockerfile =
  "FROM busybox AS made\nRUN head -c 9 /dev/urandom | md5sum >/made\nFROM busybox\nCOPY --from=made /made /made\nRUN cat /made >/twice\n";

it("a project's cache_to and cache_from carry its steps from one machine to another", async () => {
  const compose = `
    name: cached
    services:
      web:
        build:
          context: .
          cache_from: ["type=registry,ref=${registry.host}/cached:web", "type=local,src=cache"]
          cache_to: ["type=registry,ref=${registry.host}/cached:web,mode=max", "type=local,dest=cache,mode=max"]`;
  const files = { "compose.yaml": compose, Dockerfile: dockerfile };
  const first = await here.call(["--progress", "plain", "build"], { cwd: project(here, "cached", files), env: loggedIn(here) });
  expect(first.exitCode, first.stderr).toBe(0);
  expect(first.stderr).toContain("is not used: there is no cache");
  expect(readFileSync(join(here.root, "cached/cache/index.json"), "utf8")).toContain('"latest"');
  const second = await there.call(["--progress", "plain", "build"], { cwd: project(there, "cached", files), env: loggedIn(there) });
  expect(second.exitCode, second.stderr).toBe(0);
  const id = (berth: Berth) => berth.ok(["docker", "image", "inspect", "-f", "{{.Id}}", "cached-web"]);
  expect(await id(there)).toBe(await id(here));
});

it.each(["local", "registry"])("docker buildx exports and imports a cache of the type %s", async (type) => {
  const path = project(here, `buildx-${type}`, { Dockerfile: `${dockerfile}LABEL type=${type}\nRUN echo ${type} >/type\n` });
  const [dest, src] = type === "local" ? [`dest=${path}/cache`, `src=${path}/cache`] : Array(2).fill(`ref=${registry.host}/buildx:c`);
  const build = ["buildx", "build", "--progress=plain", "-t", `buildx:${type}`];
  const exported = await docker(here, [...build, "--cache-to", `type=${type},${dest},mode=max`, path]);
  expect(exported.exitCode, exported.stderr).toBe(0);
  const imported = await docker(there, [...build, "--cache-from", `type=${type},${src}`, path]);
  expect(imported.exitCode, imported.stderr).toBe(0);
  expect(imported.stderr.match(/^#\d+ CACHED$/gm)).toHaveLength(6);
  const inspect = ["image", "inspect", "-f", "{{.Id}}", `buildx:${type}`];
  expect((await docker(there, inspect)).stdout).toBe((await docker(here, inspect)).stdout);
});
