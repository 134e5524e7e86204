import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadBaseImage } from "../../support/base-image.ts";
import { type Berth, checkout, installedBerth } from "../../support/berth.ts";
import { until } from "../../support/until.ts";

// The examples of the development loop, as a user runs them: copied, brought up, edited.
let berth: Berth;
const directory = mkdtempSync("/var/tmp/berth-examples-");
const timeoutMs = 120_000;
beforeAll(async () => {
  berth = await installedBerth();
  cpSync(join(checkout, "examples"), directory, { recursive: true });
  await loadBaseImage(berth);
}, 600_000);
afterAll(async () => {
  for (const name of ["hot-reload", "compiled", "dependencies", "databases"])
    await berth?.call(["down", "-v", "-t", "0"], { cwd: join(directory, name), timeoutMs });
  rmSync(directory, { recursive: true, force: true });
  await berth?.[Symbol.asyncDispose]();
});

function edit(file: string, from: string, to: string): void {
  const path = join(directory, file);
  const text = readFileSync(path, "utf8");
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

const answers = (port: number, text: string) =>
  until(async () => (await (await fetch(`http://127.0.0.1:${port}/`)).text()).includes(text), {
    timeoutMs,
    what: `an answer with ${text}`,
  });

test("hot reload: a saved source is in the container, and Node's own watch starts it again", { timeout: 600_000 }, async () => {
  const port = await freePort();
  const here = { cwd: join(directory, "hot-reload"), env: { APP_PORT: String(port) }, timeoutMs: 400_000 };
  await berth.ok(["up", "-d", "--watch"], here);
  await answers(port, "Hello");
  const before = await berth.ok(["ps", "-q"], here);
  edit("hot-reload/src/greeting.js", "Hello", "Good evening");
  await answers(port, "Good evening");
  expect(await berth.ok(["ps", "-q"], here)).toBe(before);
});

test("compiled: a saved source is another image and another container; a mistake leaves the old one", { timeout: 600_000 }, async () => {
  const port = await freePort();
  const here = { cwd: join(directory, "compiled"), env: { APP_PORT: String(port) }, timeoutMs: 400_000 };
  await berth.ok(["up", "-d", "--watch"], here);
  await answers(port, "Hello from C");
  edit("compiled/src/greeting.h", '"Hello from C"', "no string");
  await until(async () => (await berth.call(["ps"], here)).stderr.includes("the build failed"), { timeoutMs, what: "the failed build" });
  await answers(port, "Hello from C");
  edit("compiled/src/greeting.h", "no string", '"Compiled again"');
  await answers(port, "Compiled again");
});

test("dependencies: a changed manifest is copied and installed in the container that runs", { timeout: 300_000 }, async () => {
  const here = { cwd: join(directory, "dependencies"), timeoutMs: 200_000 };
  await berth.ok(["up", "-d", "--watch"], here);
  const before = await berth.ok(["ps", "-q"], here);
  writeFileSync(join(directory, "dependencies/requirements.txt"), "left-pad\nright-pad\n");
  const installed = () => berth.call(["exec", "-T", "app", "ls", "/app/installed"], here);
  await until(async () => (await installed()).stdout === "left-pad\nright-pad", { timeoutMs, what: "the new dependency" });
  expect(await berth.ok(["ps", "-q"], here)).toBe(before);
});

test("databases: Postgres goes back to a snapshot, with what was written since gone", { timeout: 600_000 }, async () => {
  const [postgres, redis] = [await freePort(), await freePort()];
  const env = { POSTGRES_PORT: String(postgres), REDIS_PORT: String(redis) };
  const here = { cwd: join(directory, "databases"), env, timeoutMs: 400_000 };
  const sql = (text: string) =>
    berth.ok(["exec", "-T", "postgres", "sh", "-c", `psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -At -c "${text}"`], here);
  await berth.ok(["up", "-d", "--wait"], here);
  expect(await berth.ok(["exec", "-T", "redis", "redis-cli", "ping"], here)).toBe("PONG");
  await sql("create table notes (text text); insert into notes values ('kept')");
  await berth.ok(["volume", "snapshot", "clean"], here);
  await until(async () => sql("insert into notes values ('lost')").then(() => true), { timeoutMs, what: "Postgres after the snapshot" });
  expect(await sql("select text from notes order by text")).toBe("kept\nlost");
  await berth.ok(["volume", "restore", "clean"], here);
  await until(async () => (await sql("select text from notes")) === "kept", { timeoutMs, what: "the state of the snapshot" });
});
