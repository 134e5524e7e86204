import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { checkout } from "../../support/berth.ts";
import { busyboxBerth } from "../../support/busybox-berth.ts";
import { testProject } from "../../support/project.ts";
import { Terminal } from "../../support/terminal.ts";
import { until } from "../../support/until.ts";

// `up` in the foreground, in a real terminal and without one.
const berth = await busyboxBerth();

/** Ends at SIGTERM, at once. */
const polite = (text: string) => `sh -c 'trap "echo bye; exit 0" TERM; echo ${text}; while :; do sleep 0.05; done'`;
/** Does not care. */
const stubborn = "sh -c 'trap \"\" TERM; echo here; while :; do sleep 0.05; done'";

const two = `services:
  db:
    image: busybox
    command: ${polite("I am the db")}
  worker:
    image: busybox
    command: ${polite("I work")}
    depends_on: [db]
`;

describe("in a terminal", () => {
  test("shows a line for each resource, then the output with a colour each, aligned; Ctrl-C stops gracefully", async () => {
    await using project = testProject(berth, two);
    using terminal = new Terminal(berth, project.directory, ["up"]);
    await terminal.shows("I work");
    const up = await terminal.shows("[+] Running 3/3");
    expect(up).toContain("Attaching to db-1, worker-1");
    expect(up).toMatch(new RegExp(`✔ Network ${project.name}_default +Created +\\d+\\.\\ds`));
    expect(up).toMatch(new RegExp(`✔ Container ${project.name}-worker-1 +Started +\\d+\\.\\ds`));
    expect(up).toContain("db-1      | I am the db");
    expect(up).toContain("worker-1  | I work");
    const colors = terminal.screen({ colors: true });
    const colorOf = (prefix: string) => new RegExp(`\\x1b\\[(\\d+)m${prefix} +\\| `).exec(colors)?.[1];
    expect(colorOf("db-1")).toBe("36");
    expect(colorOf("worker-1")).toBe("33");
    terminal.keys("C-c");
    expect(await terminal.exitCode()).toBe(130);
    const end = terminal.screen();
    expect(end).toContain("Gracefully Stopping... press Ctrl+C again to force");
    expect(end).toContain("worker-1  | bye");
    expect(end).toContain("worker-1 exited with code 0");
    expect(end).toMatch(/\[\+\] Stopping 2\/2/);
    expect((await project.berth("ps", "-q")).trim()).toBe("");
  });

  test("a second Ctrl-C kills what does not end", async () => {
    await using project = testProject(berth, `services:\n  a:\n    image: busybox\n    stop_grace_period: 10m\n    command: ${stubborn}\n`);
    using terminal = new Terminal(berth, project.directory, ["up"]);
    await terminal.shows("a-1  | here");
    terminal.keys("C-c");
    await terminal.shows(/Container \S+-a-1 +Stopping/);
    terminal.keys("C-c");
    expect(await terminal.exitCode()).toBe(130);
    expect(terminal.screen()).toContain("a-1 exited with code 137");
  });

  test("a low terminal is not overrun", async () => {
    const many = Array.from({ length: 8 }, (_, n) => `  s${n}:\n    image: busybox\n    command: ${polite("up")}\n`).join("");
    await using project = testProject(berth, `services:\n${many}`);
    using terminal = new Terminal(berth, project.directory, ["up", "-d"], [80, 6]);
    expect(await terminal.exitCode()).toBe(0);
    const everything = terminal.screen({ history: true }).split("\n");
    expect(everything.filter((line) => line.includes("[+] Running"))).toEqual(["[+] Running 9/9"]);
    expect(everything.filter((line) => line.includes("Started"))).toHaveLength(8);
  });
});

describe("without a terminal", () => {
  const start = (cwd: string, ...args: string[]) =>
    execa(`${checkout}/bin/berth`, args, { cwd, env: berth.env, extendEnv: false, reject: false, stdin: "ignore" });

  test("plain lines, no colours, and an end by itself when everything has ended", async () => {
    await using project = testProject(
      berth,
      "services:\n  a:\n    image: busybox\n    command: echo one\n  b:\n    image: busybox\n    command: sh -c 'echo two; echo wrong >&2; exit 3'\n",
    );
    const { exitCode, stdout, stderr } = await start(project.directory, "up");
    // What a container writes to its stderr comes on ours.
    expect(stderr.split("\n").filter((line) => line.includes("wrong"))).toEqual(["b-1  | wrong"]);
    expect(stdout).not.toContain("wrong");
    expect(exitCode).toBe(0);
    const lines = stdout.split("\n");
    expect(lines[0]).toBe("Attaching to a-1, b-1");
    expect(lines.slice(1).sort()).toEqual(["a-1  | one", "a-1 exited with code 0", "b-1  | two", "b-1 exited with code 3"]);
    expect(lines.indexOf("b-1 exited with code 3")).toBeGreaterThan(lines.indexOf("b-1  | two"));
    expect(stderr).toContain(` Container ${project.name}-a-1  Created\n`);
    expect(stdout + stderr).not.toContain("\x1b");
  });

  test("SIGINT is Ctrl-C, and -t says how long it may take", async () => {
    await using project = testProject(berth, `services:\n  a:\n    image: busybox\n    stop_grace_period: 10m\n    command: ${stubborn}\n`);
    const up = start(project.directory, "up", "-t", "0");
    for await (const line of up) if (line === "a-1  | here") up.kill("SIGINT");
    expect((await up).exitCode).toBe(130);
  });

  const failing = `services:
  good:
    image: busybox
    command: ${polite("good")}
  bad:
    image: busybox
    command: sh -c 'sleep 0.3; exit 5'
`;

  test("what is named decides: with its end it is over, and what it depends on goes on", async () => {
    const file = `services:
  db:
    image: busybox
    command: ${polite("db")}
  job:
    image: busybox
    command: sh -c 'echo done; exit 3'
    depends_on: [db]
  quiet:
    image: busybox
    command: "true"
    attach: false
`;
    await using project = testProject(berth, file);
    const { exitCode, stdout } = await start(project.directory, "up", "job");
    expect([exitCode, stdout.split("\n").slice(1)]).toEqual([0, ["job-1  | done", "job-1 exited with code 3"]]);
    expect((await project.berth("ps", "--services")).trim()).toBe("db");
    // The end of what is not shown aborts nothing.
    const all = await start(project.directory, "up", "--abort-on-container-exit");
    expect([all.exitCode, all.stdout]).toEqual([3, expect.not.stringContaining("quiet-1")]);
    const other = await start(project.directory, "up", "--exit-code-from", "quiet", "job");
    expect([other.exitCode, other.stderr]).toEqual([1, expect.stringContaining("no such service: quiet")]);
    await using none = testProject(berth, "services: {}\n");
    const empty = await start(none.directory, "up");
    expect([empty.exitCode, empty.stderr]).toEqual([1, expect.stringContaining("no service selected")]);
  });

  test("--abort-on-container-exit: the first end stops everything, and its code is ours", async () => {
    await using project = testProject(berth, failing);
    const { exitCode, stdout, stderr } = await start(project.directory, "up", "--abort-on-container-exit");
    expect(stderr).toContain("Aborting on container exit...");
    expect(stdout).toContain("good-1 exited with code 0");
    expect(exitCode).toBe(5);
    expect((await project.berth("ps", "-q")).trim()).toBe("");
  });

  test("--exit-code-from: the code of that service, whoever ended first", async () => {
    await using project = testProject(berth, failing);
    expect((await start(project.directory, "up", "--exit-code-from", "good")).exitCode).toBe(0);
  });

  test("--abort-on-container-failure: an end without failure stops nothing", async () => {
    await using project = testProject(
      berth,
      failing
        .replace("exit 5", "exit 0")
        .replace("services:\n", "services:\n  late:\n    image: busybox\n    command: sh -c 'sleep 1; exit 6'\n"),
    );
    const { exitCode, stdout, stderr } = await start(project.directory, "up", "--abort-on-container-failure");
    expect(stdout.indexOf("bad-1 exited with code 0")).toBeLessThan(stdout.indexOf("late-1 exited with code 6"));
    expect(stderr).toContain("Aborting");
    expect(exitCode).toBe(6);
  });

  test("whose output is shown: --attach, --no-attach, attach: false; and how", async () => {
    await using project = testProject(
      berth,
      "services:\n  a: {image: busybox, command: echo from a}\n  b: {image: busybox, command: echo from b}\n  c: {image: busybox, command: echo from c, attach: false}\n",
    );
    const shown = async (...flags: string[]) =>
      (await start(project.directory, "up", "--force-recreate", ...flags)).stdout.split("\n").filter((line) => line.includes("from"));
    expect((await shown()).sort()).toEqual(["a-1  | from a", "b-1  | from b"]);
    expect(await shown("--attach", "c", "--no-log-prefix")).toEqual(["from c"]);
    expect(await shown("--no-attach", "b")).toEqual(["a-1  | from a"]);
    expect((await shown("--attach", "a", "--timestamps"))[0]).toMatch(/^a-1 {2}\| \d{4}-\d\d-\d\dT\S+Z from a$/);
  });

  test("a container that its restart policy starts again is followed again", async () => {
    await using project = testProject(
      berth,
      "services:\n  a:\n    image: busybox\n    restart: on-failure:2\n    command: sh -c 'echo try; exit 1'\n",
    );
    const { stdout } = await start(project.directory, "up");
    const lines = stdout.split("\n").filter((line) => line.startsWith("a-1"));
    expect(lines).toEqual([
      "a-1  | try",
      "a-1 exited with code 1 (restarting)",
      "a-1  | try",
      "a-1 exited with code 1 (restarting)",
      "a-1  | try",
      "a-1 exited with code 1",
    ]);
  });

  test("flags that do not go together are refused before anything is done", async () => {
    await using project = testProject(berth, two);
    for (const flags of [
      ["-d", "--abort-on-container-exit"],
      ["--force-recreate", "--no-recreate"],
      ["--abort-on-container-exit", "--abort-on-container-failure"],
    ]) {
      const answer = await project.try("up", ...flags);
      expect([answer.exitCode, answer.stderr]).toEqual([1, expect.stringContaining("incompatible")]);
    }
    expect((await project.berth("ps", "-aq")).trim()).toBe("");
  });

  test("Ctrl-C of an `up -d` that waits cuts it off in the engine, too", async () => {
    await using project = testProject(
      berth,
      `services:
  late:
    image: busybox
    command: ${polite("late")}
    healthcheck: {test: ["CMD", "test", "-e", "/ready"], interval: 100ms, retries: 1000}
  next:
    image: busybox
    command: echo next
    depends_on: {late: {condition: service_healthy}}
`,
    );
    const up = start(project.directory, "up", "-d");
    for await (const line of up.iterable({ from: "stderr" })) if (/late-1 +Waiting/.test(line)) up.kill("SIGINT");
    expect((await up).exitCode).toBe(130);
    await project.berth("exec", "-T", "late", "touch", "/ready");
    await until(async () => (await project.berth("ps")).includes("(healthy)"), { timeoutMs: 10_000, what: "late's health" });
    expect((await project.berth("ps", "-a", "--services", "--status", "exited")).trim()).toBe("");
  });
});
