import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { loadBusybox } from "../../support/project.ts";
import { until } from "../../support/until.ts";

let berth: Berth;
const directory = mkdtempSync("/var/tmp/berth-init-");
beforeAll(async () => {
  berth = await installedBerth();
  await loadBusybox(berth);
});
afterAll(async () => {
  await berth?.call(["down", "-t", "0"], { cwd: directory });
  rmSync(directory, { recursive: true, force: true });
  await berth?.[Symbol.asyncDispose]();
});

test("init writes what is missing, over nothing, and up --watch runs it", async () => {
  const here = { cwd: directory };
  const nothing = await berth.call(["init"], here);
  expect([nothing.exitCode, nothing.stderr]).toEqual([1, expect.stringContaining("there is no application here")]);
  const unknown = await berth.call(["init", "postgrs"], here);
  expect(unknown.stderr).toContain('Did you mean "postgres"?');
  writeFileSync(join(directory, "package.json"), '{"scripts": {"dev": "x"}}');
  writeFileSync(join(directory, "Dockerfile"), 'FROM busybox\nCMD ["sleep", "100000"]\n');
  expect(await berth.ok(["init", "--dry-run", "redis"], here)).toContain("would write compose.yaml:");
  expect(existsSync(join(directory, "compose.yaml"))).toBe(false);
  const said = await berth.ok(["init"], here);
  expect(said).toContain("Found: Node.js\nwrote compose.yaml\nwrote .dockerignore\nkept Dockerfile as it is");
  const again = await berth.call(["init", "redis"], here);
  expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining("compose.yaml is there already")]);
  expect(readFileSync(join(directory, "Dockerfile"), "utf8")).toMatch(/^FROM busybox/);
  await berth.ok(["up", "-d", "--watch"], { ...here, env: { APP_PORT: "0" } });
  writeFileSync(join(directory, "server.js"), "text");
  await until(async () => (await berth.call(["exec", "-T", "app", "cat", "/app/server.js"], here)).stdout === "text", {
    timeoutMs: 30_000,
    what: "the file in the container",
  });
});
