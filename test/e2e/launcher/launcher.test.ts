import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Berth, checkout, installedBerth } from "../../support/berth.ts";

let directory: string;
let berth: Berth;

/** An installation elsewhere, without code that was compiled before. */
const launcher = () => join(directory, "installed/bin/berth");
const dist = () => join(directory, "installed/dist");
const compiled = () => readdirSync(dist()).filter((name) => name.endsWith(".code"));

const call = (command: string, args: readonly string[], env: Record<string, string> = {}) =>
  execa(command, args, { cwd: directory, env: { ...berth.env, ...env }, extendEnv: false, reject: false });

beforeAll(async () => {
  berth = await installedBerth();
});
afterAll(() => berth[Symbol.asyncDispose]());

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "berth-launcher-"));
  for (const name of ["bin", "package.json", "dist/cli.js"])
    cpSync(join(checkout, name), join(directory, "installed", name), { recursive: true });
  writeFileSync(
    join(directory, "compose.yaml"),
    "name: p\nservices: { web: { image: busybox, environment: { A: '${NODE_EXTRA_CA_CERTS-}' } } }\n",
  );
  return () => rmSync(directory, { recursive: true, force: true });
});

test("--env-file is Berth's own, and not read by Node", async () => {
  writeFileSync(join(directory, "some.env"), "NODE_EXTRA_CA_CERTS=from-file\nNODE_OPTIONS=--nonsense\n");
  expect((await call(launcher(), ["--env-file=some.env", "config"])).stdout).toContain("A: from-file");
  const { stderr } = await call(launcher(), ["--env-file=none.env", "config"]);
  expect(stderr).toContain("none.env");
  expect(stderr).not.toContain("node:");
});

test("the first run keeps its compiled code beside the bundle, wherever that is; the next one runs it", async () => {
  for (let run = 0; run < 2; run++) {
    const { stdout, stderr } = await call(launcher(), ["config", "--services"]);
    expect([stdout, stderr]).toEqual(["web", ""]);
    expect(compiled()).toEqual([expect.stringContaining(process.version)]);
  }
});

test("compiled code of something else is not run, and replaced", async () => {
  await call(launcher(), ["version"]);
  const file = join(dist(), compiled()[0] ?? "");
  const kept = readFileSync(file);
  for (const damaged of [Buffer.alloc(0), kept.subarray(0, 9000), Buffer.from("something else")]) {
    writeFileSync(file, damaged);
    const { stdout, stderr } = await call(launcher(), ["version"]);
    expect([stdout, stderr]).toEqual([expect.stringContaining("Berth version"), ""]);
    expect(readFileSync(file).length).toBeGreaterThan(9000);
  }
});

test("where nothing can be written it runs all the same, and leaves nothing", async () => {
  await call(launcher(), ["version"]);
  const [name = ""] = compiled();
  rmSync(join(dist(), name));
  mkdirSync(join(dist(), name)); // neither read nor replaced
  const { stdout, stderr } = await call(launcher(), ["version"]);
  expect([stdout, stderr]).toEqual([expect.stringContaining("Berth version"), ""]);
  expect(compiled()).toEqual([name]);
});

test("links lead to it; one that is called docker speaks Docker's grammar", async () => {
  for (const name of ["berth", "docker"]) symlinkSync(launcher(), join(directory, name));
  expect((await call(join(directory, "berth"), ["version"])).stdout).toContain("Berth version");
  expect((await call(join(directory, "docker"), ["nothing"])).stderr).toContain("docker: unknown command: docker nothing");
});

test("NODE_EXTRA_CA_CERTS, which it keeps from its own start, is there for project files and for the engine", async () => {
  const authority = join(directory, "ca.pem");
  writeFileSync(authority, "");
  const env = { NODE_EXTRA_CA_CERTS: authority };
  expect((await call(launcher(), ["config"], env)).stdout).toContain(`A: ${authority}`);
  await berth.ok(["docker", "ps"], { env });
  const environment = readFileSync(`/proc/${berth.enginePid()}/environ`, "utf8").split("\0");
  expect(environment.filter((one) => one.includes("EXTRA_CA_CERTS"))).toEqual([`NODE_EXTRA_CA_CERTS=${authority}`]);
});

test("it says what to do where there is no build, and where there is no Node", async () => {
  rmSync(dist(), { recursive: true });
  const unbuilt = await call(launcher(), ["version"]);
  expect([unbuilt.exitCode, unbuilt.stderr]).toEqual([1, expect.stringMatching(/is not built[\s\S]*npm run build/)]);
  const without = await call("/bin/sh", [launcher(), "version"], { PATH: directory });
  expect([without.exitCode, without.stderr]).toEqual([127, expect.stringMatching(/needs Node 20.19/)]);
});
