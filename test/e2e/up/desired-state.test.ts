import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasEnded } from "../../../src/system/index.ts";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { ProjectClient, projectOf } from "../../support/project-client.ts";
import { until } from "../../support/until.ts";

let berth: Berth;
let projects: ProjectClient;

beforeAll(async () => {
  berth = await installedBerth();
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  projects = new ProjectClient(berth.socket);
});
afterEach(async () => {
  await berth.ok(["docker", "ps"]);
  projects = new ProjectClient(berth.socket);
  expect((await projects.down("p", { volumes: true })).error).toBeUndefined();
});
afterAll(async () => {
  await berth[Symbol.asyncDispose]();
});

const names = async () => [...(await projects.containers("p")).keys()];
const state = async (name: string) => (await projects.containers("p")).get(name)?.State;
const desired = async () =>
  ((await projects.get("/projects")) as { name: string; desired: boolean }[]).filter((one) => one.desired).map((one) => one.name);
const eventually = (what: string, check: () => Promise<unknown>) => until(async () => check(), { timeoutMs: 30_000, what });

async function killEngine(): Promise<void> {
  const pid = berth.enginePid();
  process.kill(pid, "SIGKILL");
  await until(() => hasEnded(pid), { timeoutMs: 20_000, what: "the engine is gone" });
}

/** The command line starts an engine where there is none. */
async function startEngine(): Promise<void> {
  await berth.ok(["docker", "ps"]);
  projects = new ProjectClient(berth.socket);
}

describe("the desired state", () => {
  it("an engine that is killed in the middle of an up leaves it to the next one, which finishes it", async () => {
    const gate = {
      command: ["sh", "-c", "exec sleep 100000"],
      healthcheck: { test: ["CMD-SHELL", "test -e /ready"], interval: 2e8, retries: 10_000 },
    };
    const answer = projects
      .up(projectOf("p", { db: gate, web: { depends_on: { db: { condition: "service_healthy", required: true } } }, other: {} }))
      .catch(() => "cut off");
    await eventually("db runs", async () => (await state("p-db-1"))?.Running);
    await killEngine();
    expect(await answer).toBe("cut off");
    await startEngine();
    expect((await state("p-web-1"))?.Status).toBe("created");
    await berth.ok(["docker", "exec", "p-db-1", "touch", "/ready"]);
    await eventually("web runs", async () => (await state("p-web-1"))?.Running);
    expect((await state("p-other-1"))?.Status).toBe("running");
  });

  it("a service that was stopped stays so over an engine's end; the others come back", async () => {
    await projects.up(projectOf("p", { web: { restart: "always" }, db: { restart: "always" } }));
    await projects.act("p", "stop", { services: ["db"] });
    await killEngine();
    await startEngine();
    expect([(await state("p-web-1"))?.Status, (await state("p-db-1"))?.Status]).toEqual(["running", "exited"]);
    await projects.act("p", "start", { services: ["db"] });
    expect((await state("p-db-1"))?.Status).toBe("running");
  });

  it("a container that is removed behind its back comes back, also with what it needs", async () => {
    await projects.up(projectOf("p", { web: {}, db: {} }));
    const before = (await projects.containers("p")).get("p-web-1")?.Id;
    await berth.ok(["docker", "rm", "-f", "p-web-1"]);
    await eventually("web is made again", async () => (await state("p-web-1"))?.Running);
    expect((await projects.containers("p")).get("p-web-1")?.Id).not.toBe(before);
    // While nobody looked.
    const pid = berth.enginePid();
    await berth.ok(["docker", "rm", "-f", "p-web-1", "p-db-1"]);
    process.kill(pid, "SIGKILL");
    await until(() => hasEnded(pid), { timeoutMs: 20_000, what: "the engine is gone" });
    await startEngine();
    await eventually("both are made again", async () => (await state("p-web-1"))?.Running && (await state("p-db-1"))?.Running);
  });

  it("a client that stops and removes in an orderly way is not fought", async () => {
    await projects.up(projectOf("p", { web: {}, db: { stop_signal: "SIGTERM", stop_grace_period: 0 } }));
    await berth.ok(["docker", "stop", "-t", "0", "p-db-1"]);
    await berth.ok(["docker", "rm", "p-db-1"]);
    await berth.ok(["docker", "rm", "-f", "p-web-1"]);
    await eventually("web is made again", async () => (await state("p-web-1"))?.Running);
    expect(await names()).toEqual(["p-web-1"]);
  });

  it("a container that ends by itself is its restart policy's affair", async () => {
    await projects.up(projectOf("p", { once: { command: ["true"] }, web: {} }));
    await eventually("it has ended", async () => (await state("p-once-1"))?.Status === "exited");
    const { StartedAt } = (await state("p-once-1"))!;
    await berth.ok(["docker", "rm", "-f", "p-web-1"]);
    await eventually("web is made again", async () => (await state("p-web-1"))?.Running);
    expect((await state("p-once-1"))?.StartedAt).toBe(StartedAt);
  });

  it("down and rm end it; projects of other clients have none", async () => {
    await projects.up(projectOf("p", { web: {}, db: {} }));
    expect(await desired()).toEqual(["p"]);
    await projects.act("p", "rm", { services: ["web"], stop: true });
    expect(await names()).toEqual(["p-db-1"]);
    expect(await desired()).toEqual(["p"]);
    await projects.down("p");
    expect(await desired()).toEqual([]);
    const labels = ["com.docker.compose.project=q", "com.docker.compose.service=web"].flatMap((label) => ["-l", label]);
    await berth.ok(["docker", "run", "-d", "--name", "q-web-1", ...labels, "busybox", "sleep", "1000"]);
    expect(await projects.get("/projects/q")).toMatchObject({ name: "q", desired: false });
    await berth.ok(["docker", "rm", "-f", "q-web-1"]);
    expect(await projects.get("/projects")).toEqual([]);
  });

  it("a record that cannot be read is moved aside, and the rest goes on", async () => {
    await projects.up(projectOf("p", { web: {} }));
    await killEngine();
    const { writeFileSync, readdirSync } = await import("node:fs");
    writeFileSync(`${berth.root}/projects/p.json`, "{ not json");
    await startEngine();
    expect(readdirSync(`${berth.root}/projects`).some((file) => file.startsWith("p.json.corrupt-"))).toBe(true);
    expect(await projects.get("/projects/p")).toMatchObject({ desired: false });
    expect((await state("p-web-1"))?.Running).toBe(true);
  });
});
