import { expect, test } from "vitest";
import { busyboxBerth } from "../../support/busybox-berth.ts";
import { testProject } from "../../support/project.ts";
import { until } from "../../support/until.ts";

// What a user asks when something is not as expected: diff, why, and logs that are looked through.
const berth = await busyboxBerth();

const file = (level: string, more = "") => `services:
  web:
    image: busybox
    command: sh -c 'echo level $$LEVEL; echo no luck >&2; sleep 100000'
    stop_signal: SIGKILL
    environment: {LEVEL: ${level}}
    depends_on: [sick]
  sick:
    image: busybox
    command: sleep 100000
    stop_signal: SIGKILL
    healthcheck: {test: [CMD-SHELL, "echo not well; false"], interval: 100ms, retries: 2}
  brief:
    image: busybox
    command: sh -c 'echo last words; exit 3'
${more}`;

test("diff: value by value, with what up would do; nothing to say where nothing differs", async () => {
  await using project = testProject(berth, file("info"));
  const before = await project.try("diff", "--exit-code");
  expect([before.exitCode, before.stdout]).toEqual([1, expect.stringContaining("+ web: not up yet")]);
  await project.berth("up", "-d");
  project.write("compose.yaml", file("debug", "  fresh:\n    image: busybox\n    command: sleep 1\n"));
  const changed = await project.berth("diff", "web", "fresh");
  expect(changed).toContain("web:\n  environment.LEVEL: info -> debug");
  expect(changed).toContain("+ fresh: not up yet");
  expect(changed).toMatch(new RegExp(`would:\\n(.*\\n)*  recreate ${project.name}-web-1: environment changed`));
  expect(await project.berth("exec", "-T", "web", "sh", "-c", "echo $LEVEL")).toBe("info");
  await project.berth("up", "-d", "web", "fresh");
  const same = await project.try("diff", "--exit-code", "web");
  expect([same.exitCode, same.stdout]).toEqual([0, "What runs is what the files say."]);
});

test("why: what a service does, how it ended, its health and what it waits for", async () => {
  await using project = testProject(berth, file("info"));
  expect(await project.berth("why", "brief")).toContain("brief has no container");
  await project.berth("up", "-d");
  await until(async () => (await project.berth("ps", "sick")).includes("unhealthy"), { timeoutMs: 30_000, what: "unhealthy" });
  const brief = await project.berth("why", "brief");
  expect(brief).toMatch(/brief-1 has ended .* ago\.\nIts last exit: exit code 3 \(it failed\)\nIts restart policy is no/);
  expect(brief).toContain("The last of its output:\n  | last words");
  const sick = await project.berth("why", "sick");
  expect(sick).toMatch(/Its health is unhealthy, \d+ checks in a row have failed\. The check: CMD-SHELL echo not well; false/);
  expect(sick).toContain("exit code 1: not well");
  expect(await project.berth("why", "web")).toMatch(/It depends on sick \(service started\), which is Up .*unhealthy/);
  await project.berth("stop", "web");
  expect(await project.berth("why", "web")).toContain("It is to stay stopped");
  const unknown = await project.try("why", "wbe");
  expect([unknown.exitCode, unknown.stderr]).toEqual([1, expect.stringContaining('Did you mean "web"?')]);
});

test("logs: --grep takes a regular expression, --json is one object a line", async () => {
  await using project = testProject(berth, file("info"));
  await project.berth("up", "-d");
  await until(async () => (await project.berth("logs", "brief")).includes("last words"), { timeoutMs: 30_000, what: "the output" });
  expect(await project.berth("logs", "--grep", "^(level|last)")).toBe("brief-1  | last words\nweb-1    | level info");
  const lines = (await project.berth("logs", "--json", "web")).split("\n").map((line) => JSON.parse(line) as Record<string, string>);
  expect(lines.map(({ time: _, ...rest }) => rest)).toEqual([
    { service: "web", container: `${project.name}-web-1`, stream: "stdout", line: "level info" },
    { service: "web", container: `${project.name}-web-1`, stream: "stderr", line: "no luck" },
  ]);
  expect(Date.parse(lines[0]?.["time"] ?? "")).toBeGreaterThan(Date.now() - 600_000);
  const bad = await project.try("logs", "--grep", "(");
  expect([bad.exitCode, bad.stderr]).toEqual([1, expect.stringContaining("is no regular expression")]);
});
