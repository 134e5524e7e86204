import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { hasEnded } from "../../../src/system/index.ts";
import { type Berth, checkout, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { until } from "../../support/until.ts";

/** Any command that needs an engine starts one; this one is content with a container that does not exist. */
const needsEngine = (berth: Berth) => berth.call(["docker", "rm", "-f", "nobody"]);

test("is started on demand, says how it is, and ends when told", async () => {
  await using berth = await installedBerth();
  const before = await berth.call(["engine", "status"]);
  expect(before).toMatchObject({ exitCode: 1, stdout: `No engine runs at ${berth.socket}.` });
  expect((await needsEngine(berth)).exitCode).toBe(0);
  const pid = berth.enginePid();
  const state = JSON.parse(await berth.ok(["engine", "status", "--format", "json"]));
  expect(state).toMatchObject({ Pid: pid, Root: berth.root, Run: berth.run, Running: 0 });
  await berth.ok(["engine", "stop"]);
  await until(() => hasEnded(pid), { timeoutMs: 5000, what: "the engine's end" });
  expect((await berth.call(["engine", "status"])).exitCode).toBe(1);
});

test("many commands at once start one engine", async () => {
  await using berth = await installedBerth();
  const answers = await Promise.all(Array.from({ length: 6 }, () => needsEngine(berth)));
  expect(answers.map((answer) => answer.exitCode)).toEqual(answers.map(() => 0));
  const log = readFileSync(join(berth.root, "engine.log"), "utf8");
  expect(log.match(/"msg":"engine started"/g)).toHaveLength(1);
});

test("a killed engine's socket is no obstacle for the next", async () => {
  await using berth = await installedBerth();
  await needsEngine(berth);
  const pid = berth.enginePid();
  process.kill(pid, "SIGKILL");
  await until(() => hasEnded(pid), { timeoutMs: 5000, what: "the engine's end" });
  expect(existsSync(berth.socket)).toBe(true);
  expect((await needsEngine(berth)).exitCode).toBe(0);
  expect(berth.enginePid()).not.toBe(pid);
});

test("a second engine on the same directory says who has it", async () => {
  await using berth = await installedBerth();
  await needsEngine(berth);
  const second = await berth.call(["engine"]);
  expect(second.exitCode).toBe(1);
  expect(second.stderr).toMatch(new RegExp(`another engine \\(pid ${berth.enginePid()}\\) uses ${berth.root}`));
});

test("a state file that cannot be read is moved aside and named, and the engine runs", async () => {
  await using berth = await installedBerth();
  const records = join(berth.root, "records");
  mkdirSync(records, { recursive: true });
  writeFileSync(join(records, `${"a".repeat(64)}.json`), '{"Id":');
  await needsEngine(berth);
  expect(await berth.ok(["engine", "status"])).toContain(`a state file could not be read and was moved aside: ${records}`);
  expect(readdirSync(records)).toEqual([expect.stringContaining(".corrupt-")]);
});

test("in the foreground it logs to stderr and ends with Ctrl-C", async () => {
  await using berth = await installedBerth();
  const engine = execa(join(checkout, "bin/berth"), ["engine"], { env: berth.env, extendEnv: false, reject: false });
  await until(() => existsSync(berth.socket), { timeoutMs: 10_000, what: "the socket" });
  engine.kill("SIGINT");
  const { exitCode, stderr } = await engine;
  expect(stderr).toContain('"msg":"engine stopped"');
  expect(exitCode).toBe(0);
});

test("the umask of the shell that it comes from is not its own", async () => {
  await using berth = await installedBerth();
  const berthCommand = join(checkout, "bin/berth");
  await execa("sh", ["-c", 'umask 077; exec "$0" docker rm -f nobody', berthCommand], { env: berth.env, extendEnv: false });
  await berth.ok(["docker", "load"], { input: busyboxArchive() });
  const dockerfile = "FROM busybox\nWORKDIR /made/by\nCOPY <<one /copied/to/\ntext\none\n";
  await berth.ok(["docker", "build", "-t", "seen", "-"], { input: dockerfile });
  const others = ["run", "--rm", "--user", "1000", "-v", "data:/mounted", "-w", "/worked/in", "seen"];
  const modes = await berth.ok([
    "docker",
    ...others,
    "stat",
    "-c",
    "%a %n",
    "/",
    "/made/by",
    "/copied/to",
    "/copied/to/one",
    "/mounted",
    "/worked/in",
  ]);
  expect(modes.split("\n")).toEqual(["755 /", "755 /made/by", "755 /copied/to", "644 /copied/to/one", "755 /mounted", "755 /worked/in"]);
});

test("a directory that is no directory is one clear error", async () => {
  await using berth = await installedBerth();
  const file = join(berth.root, "file");
  writeFileSync(file, "");
  const answer = await berth.call(["docker", "rm", "nobody"], { env: { BERTH_ROOT: file } });
  expect(answer.exitCode).not.toBe(0);
  expect(answer.stderr).toContain(file);
});

test("a directory that cannot be written is one clear error, and what runs goes on", async () => {
  await using berth = await installedBerth();
  await needsEngine(berth);
  await berth.ok(["engine", "stop"]);
  await execa("mount", ["--bind", berth.root, berth.root]);
  try {
    await execa("mount", ["-o", "remount,bind,ro", berth.root]);
    const answer = await needsEngine(berth);
    expect(answer.stderr).toMatch(new RegExp(`the engine cannot use ${berth.root}/engine.lock: EROFS: read-only file system`));
    expect(answer.stderr).not.toMatch(/^ +at /m);
  } finally {
    await execa("umount", [berth.root]);
  }
  expect((await needsEngine(berth)).exitCode).toBe(0);
});

test("SIGTERM ends it in an orderly way, and its log is bounded from the first line on", async () => {
  await using berth = await installedBerth();
  await needsEngine(berth);
  const pid = berth.enginePid();
  process.kill(pid, "SIGTERM");
  await until(() => hasEnded(pid), { timeoutMs: 5000, what: "the engine's end" });
  const log = join(berth.root, "engine.log");
  expect(readFileSync(log, "utf8")).toContain('"msg":"engine stopped"');
  writeFileSync(log, `${"x".repeat(4 << 20)}\n`);
  await needsEngine(berth);
  expect(readFileSync(`${log}.1`, "utf8").startsWith("xxx")).toBe(true);
  expect(readFileSync(log, "utf8")).toContain('"msg":"engine started"');
});
