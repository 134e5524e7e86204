import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Berth, checkout, installedBerth } from "../../support/berth.ts";

let berth: Berth;
let work: string;
let config: string;

beforeAll(async () => {
  berth = await installedBerth();
  work = mkdtempSync(join(tmpdir(), "berth-contexts-"));
  config = join(work, "config");
  symlinkSync(join(checkout, "bin/berth"), join(work, "docker"));
  writeFileSync(join(work, "ca"), "-----BEGIN CERTIFICATE-----\n");
});
afterAll(async () => {
  rmSync(work, { recursive: true, force: true });
  await berth[Symbol.asyncDispose]();
});

/** Berth under the name `docker`. */
async function docker(words: readonly string[], env: Record<string, string> = {}) {
  const { exitCode, stdout, stderr } = await execa(join(work, "docker"), words, {
    cwd: work,
    env: { ...berth.env, DOCKER_CONFIG: config, ...env },
    extendEnv: false,
    reject: false,
    input: "",
  });
  return { exitCode, stdout, stderr };
}
const said = async (words: readonly string[], env?: Record<string, string>) => {
  const { stdout, stderr } = await docker(words, env);
  return [stdout, stderr].filter(Boolean).join("\n");
};

const idOf = (name: string) => createHash("sha256").update(name).digest("hex");

describe("contexts", () => {
  it("stand in the files where Docker's own client reads them", async () => {
    expect(await docker(["context", "create", "far", "--docker", "host=tcp://192.0.2.1:2376,ca=ca", "--description", "A far one"])).toEqual(
      { exitCode: 0, stdout: "far", stderr: 'Successfully created context "far"' },
    );
    expect(readFileSync(join(config, "contexts/meta", idOf("far"), "meta.json"), "utf8")).toBe(
      '{"Name":"far","Metadata":{"Description":"A far one"},"Endpoints":{"docker":{"Host":"tcp://192.0.2.1:2376","SkipTLSVerify":false}}}',
    );
    const key = join(config, "contexts/tls", idOf("far"), "docker/ca.pem");
    expect(readFileSync(key, "utf8")).toBe("-----BEGIN CERTIFICATE-----\n");
    expect(statSync(key).mode & 0o777).toBe(0o600);
    expect(JSON.parse((await docker(["context", "inspect", "far"])).stdout)).toMatchObject([
      { Name: "far", TLSMaterial: { docker: ["ca.pem"] }, Storage: { MetadataPath: join(config, "contexts/meta", idOf("far")) } },
    ]);
  });

  it("are copied, changed, carried over and removed", async () => {
    expect(await said(["context", "create", "near", "--from", "far", "--description", "x"])).toContain("Successfully created");
    expect(await said(["context", "update", "near", "--docker", "host=unix:///nosuch.sock"])).toContain("Successfully updated");
    expect(await said(["context", "export", "far"])).toBe('Written file "far.dockercontext"');
    expect(await said(["context", "export", "far"])).toBe("open far.dockercontext: file exists");
    expect(await said(["context", "import", "again", "far.dockercontext"])).toContain('Successfully imported context "again"');
    expect(await said(["context", "ls", "--format", "{{.Name}} {{.Description}} {{.DockerEndpoint}}"])).toBe(
      `again A far one tcp://192.0.2.1:2376\ndefault Current DOCKER_HOST based configuration unix://${berth.env["BERTH_RUN"]}/engine.sock\n` +
        "far A far one tcp://192.0.2.1:2376\nnear x unix:///nosuch.sock",
    );
    expect(await said(["context", "rm", "again", "nosuch"])).toBe('again\ncontext "nosuch" does not exist');
  });

  it("say where the engine is: -c, then the environment, then what was chosen", async () => {
    const nowhere = "Cannot connect to the Docker daemon at unix:///nosuch.sock. Is the docker daemon running?";
    expect(await said(["-c", "near", "ps"])).toBe(nowhere);
    expect(await said(["ps"], { DOCKER_CONTEXT: "near" })).toBe(nowhere);
    expect(await said(["context", "use", "near"])).toBe('near\nCurrent context is now "near"');
    expect(JSON.parse(readFileSync(join(config, "config.json"), "utf8"))).toEqual({ auths: {}, currentContext: "near" });
    expect(await said(["ps"])).toBe(nowhere);
    expect(await said(["ps", "-q"], { DOCKER_HOST: `unix://${berth.env["BERTH_RUN"]}/engine.sock` })).toBe("");
    expect(await said(["context", "rm", "near"])).toBe('context "near" is in use, set -f flag to force remove');
    // Under its own name it stays with its own engine, unless --context says otherwise.
    const own = (words: string[]) => berth.call(["docker", ...words], { env: { DOCKER_CONFIG: config } });
    expect(await own(["ps", "-q"])).toMatchObject({ exitCode: 0, stdout: "" });
    expect(await own(["-c", "near", "ps"])).toMatchObject({ exitCode: 1, stderr: nowhere });
    expect(await said(["context", "rm", "-f", "near"])).toBe("near");
    expect(await said(["context", "show"])).toBe("default");
  });

  it("are refused where Docker refuses them", async () => {
    const told: [string[], string][] = [
      [["create", "default"], '"default" is a reserved context name'],
      [["create", "far"], 'context "far" already exists'],
      [["create", "a/b"], 'context name "a/b" is invalid, names are validated against regexp "^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"'],
      [["create", "bad", "--docker", "foo=bar"], "unable to create docker endpoint config: unrecognized config key: foo"],
      [
        ["create", "bad", "--docker", "host=tcp://x:1,ca=none"],
        `unable to create docker endpoint config: open ${work}/none: no such file or directory`,
      ],
      [["rm", "default"], 'context "default" cannot be removed'],
      [["import", "bad", "ca"], "unexpected EOF"],
      [
        ["use", "nosuch"],
        `context "nosuch": context not found: open ${config}/contexts/meta/${idOf("nosuch")}/meta.json: no such file or directory`,
      ],
    ];
    for (const [words, message] of told) expect(await docker(["context", ...words])).toMatchObject({ exitCode: 1, stderr: message });
    expect(await docker(["-c", "far", "-H", "unix:///x", "ps"])).toMatchObject({
      exitCode: 1,
      stderr: "conflicting options: cannot specify both --host and --context",
    });
  });
});
