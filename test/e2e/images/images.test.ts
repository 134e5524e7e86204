import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { testProject } from "../../support/project.ts";
import { type TestRegistry, testRegistry } from "../../support/registry.ts";

let berth: Berth;
let open: TestRegistry;
let locked: TestRegistry;
let config: string;

beforeAll(async () => {
  [berth, open, locked] = await Promise.all([installedBerth(), testRegistry(), testRegistry({ user: "someone", password: "open sesame" })]);
  config = join(berth.root, "docker-config");
  mkdirSync(config);
  await berth.ok(["image", "load"], { input: busyboxArchive() });
});
afterAll(async () => {
  await Promise.all([berth?.[Symbol.asyncDispose](), open?.[Symbol.asyncDispose](), locked?.[Symbol.asyncDispose]()]);
});

/** `berth docker ...` with a docker configuration of its own. */
const docker = (...args: string[]) => berth.call(["docker", ...args], { env: { DOCKER_CONFIG: config } });
const ok = async (...args: string[]) => {
  const answer = await docker(...args);
  if (answer.exitCode !== 0) throw new Error(`docker ${args.join(" ")}: ${answer.stdout}\n${answer.stderr}`);
  return answer.stdout;
};
/** The real docker client on our socket. */
const client = (...args: string[]) =>
  execa("docker", args, {
    env: { PATH: berth.env["PATH"] ?? "", HOME: berth.root, DOCKER_HOST: `unix://${berth.socket}` },
    extendEnv: false,
    reject: false,
    timeout: 60_000,
  });

describe("a registry", () => {
  it("takes a push and gives it back by tag, by digest and with all tags", async () => {
    await ok("tag", "busybox", `${open.host}/a/bb:1`);
    await ok("tag", "busybox", `${open.host}/a/bb:2`);
    const pushed = await ok("push", "--all-tags", `${open.host}/a/bb`);
    const digest = /1: digest: (sha256:[0-9a-f]{64}) size: \d+/.exec(pushed)?.[1];
    expect(pushed).toContain(`2: digest: ${digest}`);
    // With its last tag there a repository's digest goes.
    expect((await ok("rmi", `${open.host}/a/bb:1`, `${open.host}/a/bb:2`)).trim().split("\n")).toEqual([
      `Untagged: ${open.host}/a/bb:1`,
      `Untagged: ${open.host}/a/bb:2`,
      `Untagged: ${open.host}/a/bb@${digest}`,
    ]);
    const pulled = await ok("pull", `${open.host}/a/bb:1`);
    expect(pulled).toContain(`Digest: ${digest}\nStatus: Downloaded newer image for ${open.host}/a/bb:1\n${open.host}/a/bb:1`);
    expect(await ok("pull", "-q", `${open.host}/a/bb@${digest}`)).toBe(`${open.host}/a/bb@${digest}`);
    await ok("pull", "-a", `${open.host}/a/bb`);
    expect((await ok("images", `${open.host}/a/bb`, "--format", "{{.Tag}}")).split("\n").sort()).toEqual(["1", "2"]);
    expect(await ok("pull", `${open.host}/a/bb:1`)).toContain("Image is up to date");
  });

  it("is asked for what the pull policies of a project let be pulled", async () => {
    const image = `${open.host}/policy/bb:1`;
    await ok("tag", "busybox", image);
    await ok("push", image);
    const missing = `${open.host}/policy/none:1`;
    await using project = testProject(
      berth,
      `services:
  here: {image: "${image}", pull_policy: missing}
  always: {image: "${image}", pull_policy: always}
  never: {image: "${missing}", pull_policy: never}
  built: {image: "${missing}", pull_policy: build, build: {dockerfile_inline: "FROM busybox"}}
  both: {image: "${open.host}/policy/both:1", build: {dockerfile_inline: "FROM busybox"}}
`,
    );
    const pulled = await project.try("pull");
    expect([pulled.exitCode, pulled.stdout]).toEqual([0, ""]);
    expect(pulled.stderr).toContain(`Image ${image}  Pulled`);
    expect(pulled.stderr).not.toContain(`Image ${missing}  Pulling`);
    expect(pulled.stderr).toContain("some images have to be built, by: berth build both");
    await project.berth("build", "-q", "both");
    const labels = await ok("image", "inspect", "-f", "{{json .Config.Labels}}", `${open.host}/policy/both:1`);
    expect(JSON.parse(labels)).toMatchObject({ "com.docker.compose.project": project.name, "com.docker.compose.service": "both" });
    expect((await project.try("pull", "--policy", "always", "never")).stderr).toContain("manifest unknown");
    await ok("rmi", image);
    expect((await project.try("pull", "-q", "here")).exitCode).toBe(0);
    await ok("rmi", image);
  });

  it("gives the docker client what it shows", async () => {
    const { stdout, exitCode } = await client("pull", `${open.host}/a/bb:1`);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining(`1: Pulling from a/bb\nDigest: sha256:`)]);
    const push = await client("push", `${open.host}/a/bb:2`);
    expect([push.exitCode, push.stdout]).toEqual([0, expect.stringContaining("Layer already exists")]);
    const missing = await client("pull", `${open.host}/a/bb:none`);
    expect([missing.exitCode, missing.stderr]).toEqual([1, expect.stringContaining("manifest unknown")]);
  });

  it("wants a login, which is checked, kept and forgotten", async () => {
    await ok("tag", "busybox", `${locked.host}/bb`);
    const refused = await docker("push", `${locked.host}/bb`);
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining("no basic auth credentials")]);
    const wrong = await berth.call(["docker", "login", "-u", "someone", "--password-stdin", locked.host], {
      input: "wrong\n",
      env: { DOCKER_CONFIG: config },
    });
    expect([wrong.exitCode, wrong.stderr]).toEqual([1, expect.stringContaining("401 Unauthorized")]);
    const right = await berth.call(["docker", "login", "-u", "someone", "--password-stdin", locked.host], {
      input: "open sesame\n",
      env: { DOCKER_CONFIG: config },
    });
    expect([right.exitCode, right.stdout]).toEqual([0, expect.stringContaining("Login Succeeded")]);
    const file = join(config, "config.json");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      auths: { [locked.host]: { auth: Buffer.from("someone:open sesame").toString("base64") } },
    });
    await ok("push", `${locked.host}/bb`);
    expect((await client("login", "-u", "someone", "-p", "open sesame", locked.host)).stdout).toContain("Login Succeeded");
    expect(await ok("logout", locked.host)).toContain(`Removing login credentials for ${locked.host}`);
    expect((await docker("pull", `${locked.host}/bb`)).exitCode).toBe(1);
  });

  it("is logged in to through a credential helper", async () => {
    const bin = join(berth.root, "bin");
    mkdirSync(bin);
    const helper = join(bin, "docker-credential-inafile");
    const store = join(berth.root, "helper-store");
    writeFileSync(
      helper,
      `#!/bin/sh
case $1 in
  store) cat > ${store};;
  get) [ -f ${store} ] && cat ${store} || { echo "credentials not found in native keychain"; exit 1; };;
  erase) rm ${store};;
esac
`,
    );
    chmodSync(helper, 0o755);
    writeFileSync(join(config, "config.json"), JSON.stringify({ credHelpers: { [locked.host]: "inafile" }, other: "kept" }));
    const env = { DOCKER_CONFIG: config, PATH: `${bin}:${process.env["PATH"]}` };
    await berth.ok(["docker", "login", "-u", "someone", "-p", "open sesame", locked.host], { env });
    expect(JSON.parse(readFileSync(store, "utf8"))).toEqual({ ServerURL: locked.host, Username: "someone", Secret: "open sesame" });
    expect(JSON.parse(readFileSync(join(config, "config.json"), "utf8"))).toMatchObject({ other: "kept", auths: { [locked.host]: {} } });
    await berth.ok(["docker", "pull", `${locked.host}/bb`], { env });
    await berth.ok(["docker", "logout", locked.host], { env });
    expect((await berth.call(["docker", "pull", `${locked.host}/bb`], { env })).exitCode).toBe(1);
  });
});

describe("archives", () => {
  it("are saved with several images and all tags of a name, and loaded by Docker's tools' rules", async () => {
    await ok("tag", "busybox", "saved/one:a");
    await ok("tag", "busybox", "saved/one:b");
    const file = join(berth.root, "saved.tar");
    await ok("save", "-o", file, "saved/one");
    const manifest = JSON.parse(execFileSync("tar", ["-xOf", file, "manifest.json"], { encoding: "utf8" })) as { RepoTags: string[] }[];
    expect(manifest[0]?.RepoTags).toEqual(["saved/one:a", "saved/one:b"]);
    expect(JSON.parse(execFileSync("tar", ["-xOf", file, "repositories"], { encoding: "utf8" }))).toHaveProperty(["saved/one", "b"]);
    await ok("rmi", "saved/one:a", "saved/one:b");
    expect(await ok("load", "-i", file)).toBe("Loaded image: saved/one:a\nLoaded image: saved/one:b");
  });

  it("of a root file system become an image with the changes asked for", async () => {
    const root = join(berth.root, "root");
    mkdirSync(root);
    writeFileSync(join(root, "file"), "x");
    const file = join(berth.root, "root.tar");
    execFileSync("tar", ["-cf", file, "-C", root, "."]);
    const id = await ok("import", "-c", 'CMD ["/file"]', "-m", "by hand", file, "imported:1");
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await ok("image", "inspect", "-f", "{{.Config.Cmd}} {{.Comment}}", "imported:1")).toBe("[/file] by hand");
    expect(await ok("history", "--format", "{{.ID}} {{.Comment}}", "imported:1")).toBe(`${id.slice(7, 19)} by hand`);
  });
});

describe("space", () => {
  it("is told by system df, and freed by the prunes", async () => {
    writeFileSync(join(berth.root, "big"), Buffer.alloc(3_000_000, 7));
    execFileSync("tar", ["-cf", join(berth.root, "big.tar"), "-C", berth.root, "big"]);
    await ok("import", join(berth.root, "big.tar"), "unused:1");
    await ok("import", join(berth.root, "big.tar"), "unused:2");
    const rows = (await ok("system", "df", "--format", "json")).split("\n").map((line) => JSON.parse(line) as Record<string, string>);
    expect(rows.map((row) => row["Type"])).toEqual(["Images", "Containers", "Local Volumes", "Build Cache"]);
    expect(await ok("system", "df", "-v")).toMatch(/unused +2 +[0-9a-f]{12} +.*3MB +0B|unused +2 +[0-9a-f]{12} .* 3MB +3MB/);
    const asked = await berth.call(["docker", "image", "prune", "-a"], { input: "n\n" });
    expect([asked.exitCode, asked.stdout]).toEqual([0, expect.stringContaining("Are you sure you want to continue? [y/N]")]);
    expect(await ok("image", "prune", "-f", "--filter", "until=24h")).toContain("Total reclaimed space: 0B");
    await ok("create", "--name", "user", "busybox");
    const gone = await ok("image", "prune", "-a", "-f");
    expect(gone).toMatch(/untagged: unused:1[\s\S]*Total reclaimed space: 3MB/);
    expect(await ok("images", "--format", "{{.Repository}}:{{.Tag}}")).toContain("busybox:latest");
    expect(await ok("images", "-q", "unused")).toBe("");
    await ok("rm", "user");
    expect(await ok("builder", "prune", "-f")).toContain("Total:\t0B");
    expect(await ok("system", "prune", "-f")).toContain("Total reclaimed space: 0B");
  });
});
