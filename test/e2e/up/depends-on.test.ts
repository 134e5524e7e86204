import { afterEach, describe, expect, it } from "vitest";
import type { DependencyCondition, ProjectStatus, Service } from "../../../src/api/index.ts";
import { busyboxBerth } from "../../support/busybox-berth.ts";
import { ProjectClient, projectOf } from "../../support/project-client.ts";
import { until } from "../../support/until.ts";

const berth = await busyboxBerth();
const projects = new ProjectClient(berth.socket);
afterEach(async () => {
  expect((await projects.down("p", { volumes: true })).error).toBeUndefined();
});

const on = (service: string, condition: DependencyCondition = "service_started", o: { restart?: boolean; required?: boolean } = {}) => ({
  depends_on: { [service]: { condition, required: o.required ?? true, ...(o.restart ? { restart: true } : {}) } },
});
/** Healthy as soon as /ready is there. */
const checked = (script: string): Partial<Service> => ({
  command: ["sh", "-c", `${script}; exec sleep 100000`],
  healthcheck: { test: ["CMD-SHELL", "test -e /ready"], interval: 2e8, timeout: 5e9, retries: 2 },
});
const sh = (script: string): Partial<Service> => ({ command: ["sh", "-c", script] });
const state = async (name: string) => (await projects.containers("p")).get(name)?.State;
const startedAt = async (name: string) => (await state(name))?.StartedAt ?? "";
const ok = async (answer: ReturnType<ProjectClient["up"]>) => {
  const got = await answer;
  expect(got.error).toBeUndefined();
  return got;
};

describe("depends_on", () => {
  it("service_healthy: starts when the dependency is healthy", async () => {
    const answer = await ok(projects.up(projectOf("p", { web: on("db", "service_healthy"), db: checked("touch /ready") })));
    const { steps } = answer;
    expect(steps).toContain("Container p-db-1 waiting");
    expect(steps.indexOf("Container p-db-1 healthy")).toBeLessThan(steps.indexOf("Container p-web-1 starting"));
    expect((await state("p-db-1"))?.Health?.Status).toBe("healthy");
  });

  it("service_completed_successfully: starts when the dependency has ended with 0", async () => {
    await ok(projects.up(projectOf("p", { web: on("migrate", "service_completed_successfully"), migrate: sh("exit 0") })));
    const [web, migrate] = [await state("p-web-1"), await state("p-migrate-1")];
    expect(migrate).toMatchObject({ Status: "exited", ExitCode: 0 });
    expect(Date.parse(web?.StartedAt ?? "")).toBeGreaterThanOrEqual(Date.parse(migrate?.FinishedAt ?? ""));
  });

  it("an unhealthy dependency stops the up: the message has its name, the reason and its last lines", async () => {
    const answer = await projects.up(projectOf("p", { web: on("db", "service_healthy"), db: checked("echo no database here") }));
    expect(answer.error).toMatchObject({
      code: "scheduler/dependency-failed",
      message: "service db: dependency failed to start: container p-db-1 is unhealthy",
      hint: "The last lines of p-db-1:\n  | no database here",
    });
    expect((await state("p-web-1"))?.Status).toBe("created");
    expect(await projects.get("/projects/p")).toMatchObject({ state: "failed", lastError: { code: "scheduler/dependency-failed" } });
  });

  it("a dependency that fails stops the up, and the next one goes on from there", async () => {
    const project = (code: number) =>
      projectOf("p", {
        web: on("migrate", "service_completed_successfully"),
        migrate: sh(`echo step ${code} >&2; exit ${code}`),
        other: {},
      });
    const answer = await projects.up(project(3));
    expect(answer.error?.message).toBe(
      "service migrate: dependency failed to start: container p-migrate-1 didn't complete successfully: exit 3",
    );
    expect(answer.error?.hint).toContain("| step 3");
    const other = await startedAt("p-other-1");
    await ok(projects.up(project(0)));
    expect((await state("p-web-1"))?.Status).toBe("running");
    expect(await startedAt("p-other-1")).toBe(other);
  });

  it("required: false warns and goes on without it", async () => {
    const answer = await ok(projects.up(projectOf("p", { web: on("cache", "service_healthy", { required: false }), cache: sh("exit 1") })));
    expect(answer.warnings.join()).toContain("optional dependency cache");
    expect((await state("p-web-1"))?.Status).toBe("running");
  });

  it("restart: true restarts with the dependency when that is made again, and only then", async () => {
    const project = (value: string) =>
      projectOf("p", { web: on("db", "service_started", { restart: true }), other: on("db"), db: { environment: { A: value } } });
    await ok(projects.up(project("1")));
    const [web, other] = [await startedAt("p-web-1"), await startedAt("p-other-1")];
    const answer = await ok(projects.up(project("2")));
    expect(answer.steps).toContain("Container p-web-1 restarted");
    expect(await startedAt("p-web-1")).not.toBe(web);
    expect(await startedAt("p-other-1")).toBe(other);
  });

  it("a restart by request takes those along that asked for it", async () => {
    await ok(projects.up(projectOf("p", { web: on("db", "service_started", { restart: true }), other: on("db"), db: {} })));
    const [web, other] = [await startedAt("p-web-1"), await startedAt("p-other-1")];
    await ok(projects.act("p", "restart", { services: ["db"] }));
    expect(await startedAt("p-web-1")).not.toBe(web);
    expect(await startedAt("p-other-1")).toBe(other);
  });

  it("tells what is waited for while it is, and a stop cuts the waiting off", async () => {
    const answer = projects.up(projectOf("p", { web: on("db", "service_completed_successfully"), db: {} }));
    await until(
      async () => {
        const status = (await projects.get("/projects")) as ProjectStatus[];
        return status[0]?.holds.some(({ on: who, waitsFor }) => who === "web" && waitsFor === "db to be exited");
      },
      { timeoutMs: 20_000, what: "web waits for db" },
    );
    await ok(projects.act("p", "stop"));
    expect((await answer).error).toMatchObject({ code: "scheduler/cancelled" });
    expect([(await state("p-db-1"))?.Status, (await state("p-web-1"))?.Status]).toEqual(["exited", "created"]);
  });
});

describe("an action that fails", () => {
  it("names the service and the reason; what is beside it is finished", async () => {
    const answer = await projects.up(projectOf("p", { web: { command: ["nosuch"] }, db: {} }));
    expect(answer.error?.code).toBe("runtime/command-not-found");
    expect(answer.error?.message).toMatch(/^service web: cannot be started: .*nosuch/);
    expect((await state("p-db-1"))?.Status).toBe("running");
    const fixed = await ok(projects.up(projectOf("p", { web: {}, db: {} })));
    expect(fixed.steps.filter((step) => step.startsWith("Container p-db-1"))).toEqual(["Container p-db-1 running"]);
    expect((await state("p-web-1"))?.Status).toBe("running");
  });

  it("an image that is nowhere is told before anything is made", async () => {
    const missing = { image: "127.0.0.1:9/nosuch:1" };
    const answer = await projects.up(projectOf("p", { web: missing, db: {} }));
    expect(answer.error?.message).toMatch(/^service web: the image 127.0.0.1:9\/nosuch:1 cannot be pulled: /);
    expect(answer.error?.hint).toContain("berth image load");
    expect([...(await projects.containers("p")).keys()]).toEqual([]);
    const never = await projects.up(projectOf("p", { web: { ...missing, pull_policy: "never" } }));
    expect(never.error).toMatchObject({ code: "image/not-found" });
    expect(never.error?.message).toContain("it may not be pulled");
  });
});

describe("wait", () => {
  it("answers when all are running or healthy, and one-shot dependencies have completed", async () => {
    const services = {
      db: checked("sleep 0.3; touch /ready"),
      migrate: sh("exit 0"),
      web: on("migrate", "service_completed_successfully"),
    };
    const answer = await ok(projects.up(projectOf("p", services), { wait: true }));
    expect((await state("p-db-1"))?.Health?.Status).toBe("healthy");
    expect(answer.steps).toContain("Container p-migrate-1 exited");
  });

  it("fails when a container ends, with its last lines", async () => {
    const answer = await projects.up(projectOf("p", { web: { ...sh("echo bad flag; exit 4") } }), { wait: true });
    expect(answer.error).toMatchObject({ message: "service web: is not up: container p-web-1 exited (4)" });
    expect(answer.error?.hint).toContain("| bad flag");
  });

  it("fails when the time is over", async () => {
    const never = { healthcheck: { test: ["CMD", "false"], interval: 1e8, retries: 100_000 } };
    const answer = await projects.up(projectOf("p", { web: never }), { wait: true, waitTimeoutMs: 500 });
    expect(answer.error).toMatchObject({ code: "scheduler/wait-timeout" });
  });
});
