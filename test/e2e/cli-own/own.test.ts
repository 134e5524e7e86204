import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Berth, checkout, installedBerth } from "../../support/berth.ts";
import { type TestProject, testProject } from "../../support/project.ts";

// What needs no container: version, help, completion, doctor, and the other names of the program.
let berth: Berth;
let project: TestProject;
beforeAll(async () => {
  berth = await installedBerth();
  project = testProject(berth, "name: shop\nservices: {web: {image: busybox}, worker: {image: busybox}, db: {image: busybox}}\n");
});
afterAll(async () => {
  await project?.[Symbol.asyncDispose]();
  await berth?.[Symbol.asyncDispose]();
});

test("version, without an engine", async () => {
  const short = (await berth.ok(["version", "--short"])).trim();
  expect(short).toMatch(/^\d+\.\d+\.\d+/);
  expect(JSON.parse(await berth.ok(["version", "-f", "json"]))).toEqual({ version: short });
  expect((await berth.ok(["--version"])).trim()).toBe(`Berth version ${short}`);
  expect((await berth.call(["engine", "status"])).exitCode).toBe(1);
});

test("--help everywhere, on stdout", async () => {
  const all = await berth.ok(["--help"]);
  const commands = [...all.matchAll(/^ {2}([a-z]+)(?: \[| <| {2})/gm)].map((match) => match[1] ?? "");
  expect(commands).toEqual(expect.arrayContaining(["up", "down", "run", "config", "doctor", "completion"]));
  // `volume` is Docker's grammar, with a few words of Berth's own.
  for (const command of commands.filter((name) => name !== "help" && name !== "volume"))
    expect(await berth.ok([command, "--help"])).toContain(`Usage: berth ${command}`);
});

test("a command or flag that is not there: what was meant, and exit code 1", async () => {
  const command = await berth.call(["upp"]);
  expect([command.exitCode, command.stderr]).toEqual([1, expect.stringMatching(/unknown command 'upp'[\s\S]*Did you mean (one of )?up/)]);
  const flag = await berth.call(["up", "--detatch"]);
  expect([flag.exitCode, flag.stderr]).toEqual([1, expect.stringMatching(/unknown option '--detatch'[\s\S]*--detach/)]);
});

test("`berth compose`, and `docker compose` where the executable is called docker, are the same program", async () => {
  const plain = await project.berth("config", "--services");
  expect(await project.berth("compose", "config", "--services")).toBe(plain);
  const bin = join(project.directory, "bin");
  mkdirSync(bin);
  symlinkSync(join(checkout, "bin/berth"), join(bin, "docker"));
  const { stdout } = await execa(join(bin, "docker"), ["compose", "-f", join(project.directory, "compose.yaml"), "config", "--services"], {
    env: berth.env,
    extendEnv: false,
  });
  expect(stdout).toBe(plain.trimEnd());
});

/** What bash offers after this line, as its own completion machinery finds it. */
async function offered(...words: string[]): Promise<string[]> {
  const script = join(project.directory, "complete.bash");
  writeFileSync(
    script,
    `PATH="${checkout}/bin:$PATH"
source <(berth completion bash)
COMP_WORDS=(berth "$@"); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
_berth 2>/dev/null
printf '%s\\n' "\${COMPREPLY[@]}"
`,
  );
  const { stdout } = await execa("bash", [script, ...words], { cwd: project.directory, env: berth.env, extendEnv: false });
  return stdout.split("\n").filter((line) => line !== "");
}

test("bash completes commands, flags, values of flags, services of the project, and files", async () => {
  expect(await offered("unp")).toEqual(["unpause"]);
  expect(await offered("up", "--no-re")).toEqual(["--no-recreate"]);
  expect(await offered("down", "--rmi", "l")).toEqual(["local"]);
  expect((await offered("logs", "w")).sort()).toEqual(["web", "worker"]);
  expect(await offered("-f", "compose.yaml", "up", "d")).toEqual(["db"]);
  expect(await offered("-f", "compose.y")).toEqual(["compose.yaml"]);
  expect(await offered("engine", "sto")).toEqual(["stop"]);
});

test("the scripts for zsh and fish ask the same question", async () => {
  for (const shell of ["zsh", "fish"]) expect(await berth.ok(["completion", shell])).toContain("__complete");
  const answer = await project.berth("__complete", "stop", "");
  expect(answer.split("\n").filter(Boolean).sort()).toEqual(["db\tservice", "web\tservice", "worker\tservice"]);
});

test("doctor says for each prerequisite what was found; on a machine that runs these tests nothing is missing", async () => {
  const text = await berth.ok(["doctor"]);
  for (const name of ["root", "kernel", "cgroups", "runtime", "conmon", "nft", "ip", "overlayfs", "inotify", "disk for images", "registry"])
    expect(text).toMatch(new RegExp(`^[✔!] ${name} `, "m"));
  const checks = JSON.parse(await berth.ok(["doctor", "--format", "json"])) as { name: string; state: string }[];
  expect(checks.filter((check) => check.state === "problem")).toEqual([]);
});

test("doctor names what is missing, and what to do", async () => {
  // An unmapped user name space: user 65534, that can read what root can, wherever the checkout is.
  const asNobody = await execa("unshare", ["--user", process.execPath, `${checkout}/bin/berth`, "doctor"], {
    reject: false,
    env: { BERTH_ROOT: "/run/berth-tests/none", BERTH_RUN: "/run/berth-tests/none" },
  });
  expect([asNobody.exitCode, asNobody.stdout]).toEqual([1, expect.stringMatching(/✘ root +user 65534\n +Run Berth with sudo/)]);
});
