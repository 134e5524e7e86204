import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { type TestRegistry, testRegistry } from "../../support/registry.ts";
import { until } from "../../support/until.ts";

let berth: Berth;
let registry: TestRegistry;
let context: string;

beforeAll(async () => {
  [berth, registry] = await Promise.all([installedBerth(), testRegistry()]);
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  context = join(berth.root, "context");
  mkdirSync(context);
  write("a.txt", "content\n");
  write("Dockerfile", 'FROM busybox AS base\nARG WHO=you\nCOPY a.txt /a\nRUN echo "hello $WHO" > /said\nCMD ["cat", "/said"]\n');
});
afterAll(async () => {
  await Promise.all([berth?.[Symbol.asyncDispose](), registry?.[Symbol.asyncDispose]()]);
});

const write = (name: string, text: string) => writeFileSync(join(context, name), text);
const build = (args: readonly string[], o: { input?: string | Buffer; env?: Record<string, string> } = {}) =>
  berth.call(["docker", "build", ...args], { cwd: context, ...o });
/** Command lines of what runs on this machine. */
const processes = () =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return ""; // it ended meanwhile
      }
    });
const run = (image: string, ...command: string[]) => berth.ok(["docker", "run", "--rm", image, ...command]);

describe("docker build", () => {
  it("builds the directory it is given, and tells each step on stderr", async () => {
    const { exitCode, stdout, stderr } = await build(["-t", "made:1", "--build-arg", "WHO=me", "--label", "a=b", "."]);
    expect([exitCode, stdout]).toEqual([0, ""]);
    expect(stderr).toMatch(/\[2\/3\] COPY a\.txt \/a[\s\S]*DONE[\s\S]*naming to made:1/);
    expect(await run("made:1")).toBe("hello me");
    const again = await build(["-t", "made:1", "--build-arg", "WHO=me", "--label", "a=b", "."]);
    expect(again.stderr.match(/CACHED/g)).toHaveLength(3);
  });

  it("takes a variable, a secret and a Dockerfile from where they are", async () => {
    mkdirSync(join(context, "docker"), { recursive: true });
    write(
      "docker/special",
      "FROM busybox\nARG FROM_ENV\nRUN --mount=type=secret,id=s --mount=type=secret,id=v,env=V cat /run/secrets/s > /s; echo $V $FROM_ENV >> /s\n",
    );
    write("secret.txt", "hush ");
    const args = [
      "-q",
      "-f",
      "docker/special",
      "--build-arg",
      "FROM_ENV",
      "--secret",
      "id=s,src=secret.txt",
      "--secret",
      "id=v,env=VALUE",
      ".",
    ];
    const { stdout, stderr } = await build(args, { env: { FROM_ENV: "outer", VALUE: "val" } });
    expect(stdout, stderr).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await run(stdout, "cat", "/s")).toBe("hush val outer");
  });

  it("reads a Dockerfile or a whole context from standard input", async () => {
    const alone = await build(["-q", "-"], { input: "FROM busybox\nRUN echo alone > /x\n" });
    expect(await run(alone.stdout, "cat", "/x")).toBe("alone");
    const tar = execFileSync("tar", ["-c", "-C", context, "Dockerfile", "a.txt"]);
    const packed = await build(["-q", "-"], { input: tar });
    expect(await run(packed.stdout, "cat", "/a")).toBe("content");
    const mixed = await build(["-q", "-f", "-", "."], { input: "FROM scratch\nCOPY a.txt /b\n" });
    expect(mixed.stdout).toMatch(/^sha256:/);
  });

  it("writes ids, metadata, a directory, a tar and archives", async () => {
    await build(["-t", "made:2", "--iidfile", "iid", "--metadata-file", "meta.json", "."]);
    const id = readFileSync(join(context, "iid"), "utf8");
    expect(JSON.parse(readFileSync(join(context, "meta.json"), "utf8"))).toEqual({
      "containerimage.config.digest": id,
      "containerimage.digest": id,
      "image.name": "made:2",
    });
    write("out.Dockerfile", "FROM busybox AS b\nRUN mkdir /o && echo made > /o/f && ln -s f /o/l\nFROM scratch\nCOPY --from=b /o /\n");
    const before = await berth.ok(["docker", "images", "-aq"]);
    expect((await build(["-f", "out.Dockerfile", "-o", "out", "."])).exitCode).toBe(0);
    expect(readFileSync(join(context, "out/l"), "utf8")).toBe("made\n");
    expect((await build(["-f", "out.Dockerfile", "-o", "type=tar,dest=out.tar", "."])).exitCode).toBe(0);
    expect(execFileSync("tar", ["-tf", join(context, "out.tar")], { encoding: "utf8" })).toBe("f\nl\n");
    expect(await berth.ok(["docker", "images", "-aq"])).toBe(before);
    expect((await build(["-t", "x:oci", "-o", "type=oci,dest=oci.tar", "."])).exitCode).toBe(0);
    const members = execFileSync("tar", ["-tf", join(context, "oci.tar")], { encoding: "utf8" });
    expect([members.includes("index.json"), members.includes("manifest.json")]).toEqual([true, false]);
  });

  it("pushes what it built", async () => {
    const { exitCode, stderr } = await build(["-t", `${registry.host}/made`, "--push", "."]);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining("latest: digest: sha256:")]);
    expect((await fetch(`http://${registry.host}/v2/made/tags/list`).then((answer) => answer.json())) as object).toMatchObject({
      tags: ["latest"],
    });
  });

  it("pulls the base image that is not here", async () => {
    await berth.ok(["docker", "tag", "busybox", `${registry.host}/base:1`]);
    await berth.ok(["docker", "push", `${registry.host}/base:1`]);
    await berth.ok(["docker", "rmi", `${registry.host}/base:1`]);
    write("pulled", `FROM ${registry.host}/base:1\nRUN echo on > /x\n`);
    expect((await build(["-q", "-f", "pulled", "."])).stdout).toMatch(/^sha256:/);
  });

  it("only checks where asked, and says by name what it does not do", async () => {
    write("bad", "FROM busybox as x\nENV a b\n");
    const checked = await build(["--check", "-f", "bad", "."]);
    expect([checked.exitCode, checked.stdout]).toEqual([1, expect.stringContaining("2 warnings have been found")]);
    expect(checked.stderr).toContain("LegacyKeyValueFormat");
    const told = await build(["-q", "--sbom", "true", "."]);
    expect(told.stderr).toContain("--sbom has no effect");
    expect((await build(["--cgroup-parent", "x", "."])).exitCode).toBe(125);
  });

  it("goes on after an engine that was killed in the middle of a step", async () => {
    write("slow", "FROM busybox\nRUN echo begun > /kept\nRUN echo sleeping; sleep 4711\n");
    const running = berth.call(["docker", "build", "-f", "slow", "."], { cwd: context, timeoutMs: 120_000 });
    const step = () => processes().filter((line) => line.includes("sleep 4711"));
    await until(() => step().length > 0, { timeoutMs: 60_000, what: "the slow step" });
    process.kill(berth.enginePid(), "SIGKILL");
    expect((await running).exitCode).not.toBe(0);
    write("quick", "FROM busybox\nRUN echo begun > /kept\nRUN cat /kept > /again\n");
    const next = await build(["-f", "quick", "-t", "quick", "."]);
    expect([next.exitCode, next.stderr]).toEqual([0, expect.stringMatching(/RUN echo begun > \/kept\n#\d+ CACHED/)]);
    expect(await run("quick", "cat", "/again")).toBe("begun");
    await until(() => step().length === 0, { timeoutMs: 20_000, what: "the step's end" });
  });

  it("reaches the containers of a network by their names", async () => {
    await berth.ok(["docker", "network", "create", "builders"]);
    const serve = "mkdir /www && echo from the database > /www/x && httpd -f -p 8000 -h /www";
    await berth.ok(["docker", "run", "-d", "--name", "db", "--network", "builders", "busybox", "sh", "-c", serve]);
    write("net", "FROM busybox\nRUN for i in $(seq 50); do wget -q -O /got http://db:8000/x && exit 0; usleep 100000; done; exit 1\n");
    const built = await build(["-q", "-f", "net", "--network", "builders", "."]);
    expect(built.exitCode, built.stderr).toBe(0);
    expect(await run(built.stdout, "cat", "/got")).toBe("from the database");
    await berth.ok(["docker", "rm", "-f", "db"]);
    await berth.ok(["docker", "network", "rm", "builders"]);
  });

  it("shows where and why a step failed, and how to go into what it left", async () => {
    write("failing", "FROM busybox\n\nRUN echo before; echo left > /left; exit 3\n");
    const { exitCode, stderr } = await build(["-f", "failing", "-t", "never", "."]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/before[\s\S]*failing:3\n-+\n[\s\S]*3 \| >>> RUN echo before[\s\S]*exit code: 3/);
    const kept = /docker run -it --rm ([0-9a-f]{12})/.exec(stderr)?.[1] ?? "";
    expect(await run(kept, "cat", "/left")).toBe("left");
    expect(existsSync(/whole output is in (\S+)\./.exec(stderr)?.[1] ?? "")).toBe(true);
  });
});

describe("an image of very many layers", () => {
  it("is built, and runs", async () => {
    const steps = Array.from({ length: 119 }, (_, index) => `COPY a.txt /layers/${index}/a`);
    write("many", ["FROM busybox", ...steps, "RUN ls /layers | wc -l > /count", ""].join("\n"));
    const built = await build(["-t", "many", "-f", "many", "-q", "."], {});
    expect(built.stderr).toBe("");
    expect(await run("many", "cat", "/count")).toBe("119");
  });
});
