import { afterEach, describe, expect, it } from "vitest";
import type { ProjectEvent } from "../../../src/api/index.ts";
import { busyboxBerth } from "../../support/busybox-berth.ts";
import { ProjectClient, projectOf } from "../../support/project-client.ts";

const berth = await busyboxBerth();
const projects = new ProjectClient(berth.socket);
afterEach(async () => {
  expect((await projects.down("p", { volumes: true })).error).toBeUndefined();
});

const planText = (events: readonly ProjectEvent[]) => events.flatMap((event) => (event.type === "plan" ? [event.text] : [])).join("");
const names = async () => [...(await projects.containers("p")).keys()];
const idOf = async (name: string) => (await projects.containers("p")).get(name)?.Id;
const ok = async (answer: ReturnType<ProjectClient["up"]>) => {
  const got = await answer;
  expect(got.error).toBeUndefined();
  return got;
};

describe("up", () => {
  it("makes what is missing, starts it and tells each step; the second time there is nothing to do", async () => {
    const project = projectOf(
      "p",
      { web: { volumes: [{ type: "volume", source: "data", target: "/data" }] }, db: {} },
      { volumes: { data: { name: "p_data" } } },
    );
    const first = await ok(projects.up(project));
    for (const step of [
      "Network p_default created",
      "Volume p_data created",
      "Container p-web-1 created",
      "Container p-web-1 started",
      "Container p-db-1 started",
    ])
      expect(first.steps).toContain(step);
    expect(await names()).toEqual(["p-db-1", "p-web-1"]);
    const labels = (await projects.containers("p")).get("p-web-1")?.Config.Labels;
    expect(labels).toMatchObject({
      "com.docker.compose.project": "p",
      "com.docker.compose.service": "web",
      "com.docker.compose.container-number": "1",
      "com.docker.compose.oneoff": "False",
      "com.docker.compose.project.working_dir": "/tmp",
      "com.docker.compose.project.config_files": "/tmp/compose.yaml",
    });
    const again = await ok(projects.up(project));
    expect([...again.steps].sort()).toEqual(["Container p-db-1 running", "Container p-web-1 running"]);
    expect(planText(again.events)).toBe("Nothing to do.\n");
  });

  it("scales up and down, by the request or the file", async () => {
    await ok(projects.up(projectOf("p", { web: { scale: 2 } })));
    expect(await names()).toEqual(["p-web-1", "p-web-2"]);
    await ok(projects.up(projectOf("p", { web: { scale: 2 } }), { scale: { web: 4 } }));
    expect(await names()).toEqual(["p-web-1", "p-web-2", "p-web-3", "p-web-4"]);
    await ok(projects.up(projectOf("p", { web: {} })));
    expect(await names()).toEqual(["p-web-1"]);
    await ok(projects.up(projectOf("p", { web: { scale: 0 } })));
    expect(await names()).toEqual([]);
    const named = await projects.up(projectOf("p", { web: { container_name: "p-only" } }), { scale: { web: 2 } });
    expect(named.error).toMatchObject({ code: "scheduler/bad-scale" });
    expect(named.error?.message).toContain('"p-only"');
  });

  it("says why a container is made again, and leaves the others alone", async () => {
    await ok(projects.up(projectOf("p", { web: {}, db: {} })));
    const db = await idOf("p-db-1");
    const changed = await ok(projects.up(projectOf("p", { web: { environment: { A: "1" } }, db: {} })));
    expect(planText(changed.events)).toBe("recreate p-web-1: environment changed\nstart web #1: environment changed\n");
    expect(changed.steps).toContain("Container p-web-1 recreated");
    expect(await idOf("p-db-1")).toBe(db);
    expect((await projects.containers("p")).get("p-web-1")?.Config.Env).toContain("A=1");
  });

  it("makes all again when that is asked for, or nothing", async () => {
    await ok(projects.up(projectOf("p", { web: { depends_on: { db: { condition: "service_started", required: true } } }, db: {} })));
    const [web, db] = [await idOf("p-web-1"), await idOf("p-db-1")];
    const changed = projectOf("p", {
      web: { environment: { A: "1" }, depends_on: { db: { condition: "service_started", required: true } } },
      db: {},
    });
    await ok(projects.up(changed, { recreate: "never" }));
    expect([await idOf("p-web-1"), await idOf("p-db-1")]).toEqual([web, db]);
    await ok(projects.up(changed, { recreate: "always", services: ["web"] }));
    expect(await idOf("p-web-1")).not.toBe(web);
    expect(await idOf("p-db-1")).toBe(db);
    await ok(projects.up(changed, { recreate: "always", services: ["web"], alwaysRecreateDeps: true }));
    expect(await idOf("p-db-1")).not.toBe(db);
  });

  it("warns about orphans and removes them when asked to; a profile that is off makes none", async () => {
    await ok(projects.up(projectOf("p", { web: {}, old: {}, debug: {} })));
    const disabled = projectOf("p", { web: {} }, { disabled_services: ["debug"] });
    const warned = await ok(projects.up(disabled));
    expect(warned.warnings.join()).toContain("Found orphan containers ([p-old-1])");
    const removed = await ok(projects.up(disabled, { removeOrphans: true }));
    expect(removed.steps).toContain("Container p-old-1 removed");
    expect(await names()).toEqual(["p-debug-1", "p-web-1"]);
  });

  it("brings up only the services that are named, with what they depend on unless told otherwise", async () => {
    const project = projectOf("p", { web: { depends_on: { db: { condition: "service_started", required: true } } }, db: {}, other: {} });
    await ok(projects.up(project, { services: ["web"], noDeps: true }));
    expect(await names()).toEqual(["p-web-1"]);
    await ok(projects.up(project, { services: ["web"] }));
    expect(await names()).toEqual(["p-db-1", "p-web-1"]);
    const unknown = await projects.up(project, { services: ["wep"] });
    expect(unknown.error).toMatchObject({
      code: "scheduler/no-such-service",
      message: "no such service: wep",
      hint: "This project has: db, other, web.",
    });
  });

  it("keeps anonymous volumes over a recreation, or renews them", async () => {
    const project = (value: string) =>
      projectOf("p", { web: { environment: { A: value }, volumes: [{ type: "volume", target: "/data" }] } });
    const volume = async () => (await projects.containers("p")).get("p-web-1")?.Mounts.find((mount) => mount.Destination === "/data")?.Name;
    await ok(projects.up(project("1")));
    const first = await volume();
    await ok(projects.up(project("2")));
    expect(await volume()).toBe(first);
    await ok(projects.up(project("3"), { renewAnonVolumes: true }));
    expect(await volume()).not.toBe(first);
    const left = (await projects.get("/volumes")) as { Volumes: { Name: string }[] };
    expect(left.Volumes.map(({ Name }) => Name)).not.toContain(first);
  });

  it("keeps the old container where the new one cannot be made", async () => {
    await ok(projects.up(projectOf("p", { web: {} })));
    const id = await idOf("p-web-1");
    const answer = await projects.up(projectOf("p", { web: { mem_limit: 1024 } }));
    expect(answer.error?.message).toBe("service web: cannot be recreated: Minimum memory limit allowed is 6MB");
    expect(await names()).toEqual(["p-web-1"]);
    expect((await projects.containers("p")).get("p-web-1")).toMatchObject({ Id: id, State: { Running: true } });
  });

  it("shows what it would do, and does nothing", async () => {
    const answer = await ok(projects.up(projectOf("p", { web: {} }), { dryRun: true }));
    expect(planText(answer.events)).toBe(
      "create network p_default: network p_default does not exist\ncreate web #1: it does not exist\nstart web #1: it was made\n",
    );
    expect(answer.steps).toEqual([]);
    expect(await names()).toEqual([]);
  });

  it("creates without starting, and starts that later", async () => {
    await ok(projects.up(projectOf("p", { web: {} }), { noStart: true }));
    expect((await projects.containers("p")).get("p-web-1")?.State.Status).toBe("created");
    await ok(projects.up(projectOf("p", { web: {} })));
    expect((await projects.containers("p")).get("p-web-1")?.State.Status).toBe("running");
  });

  it("makes a network again whose definition changed, with the containers in it", async () => {
    await ok(projects.up(projectOf("p", { web: {} })));
    const changed = projectOf("p", { web: {} }, { networks: { default: { name: "p_default", internal: true } } });
    const answer = await ok(projects.up(changed));
    expect(planText(answer.events)).toContain("recreate network p_default: network p_default is configured otherwise");
    expect(await projects.get("/networks/p_default")).toMatchObject({ Internal: true });
    expect((await projects.containers("p")).get("p-web-1")?.State.Running).toBe(true);
  });

  it("refuses an external network or volume that is not there, before anything is made", async () => {
    const network = await projects.up(projectOf("p", { web: {} }, { networks: { default: { name: "theirs", external: true } } }));
    expect(network.error).toMatchObject({
      code: "network/not-found",
      message: "network theirs declared as external, but could not be found",
    });
    const volumes = [{ type: "volume" as const, source: "data", target: "/data" }];
    const volume = await projects.up(projectOf("p", { web: { volumes } }, { volumes: { data: { name: "theirs", external: true } } }));
    expect(volume.error).toMatchObject({ code: "volume/not-found", message: 'external volume "theirs" not found' });
    expect(await names()).toEqual([]);
  });

  it("refuses a cycle and prints it", async () => {
    const on = (service: string) => ({ depends_on: { [service]: { condition: "service_started" as const, required: true } } });
    const answer = await projects.up(projectOf("p", { a: on("b"), b: on("c"), c: on("a") }));
    expect(answer.error).toMatchObject({ code: "scheduler/cycle", message: "dependency cycle: a -> b -> c -> a" });
  });
});

describe("down", () => {
  it("leaves nothing: containers, networks, and volumes and images where asked for", async () => {
    const volumes = [{ type: "volume" as const, source: "data", target: "/data" }];
    const project = projectOf("p", { web: { volumes } }, { volumes: { data: { name: "p_data" } } });
    await ok(projects.up(project));
    const kept = await projects.down("p");
    expect(kept.steps).toEqual(
      expect.arrayContaining(["Container p-web-1 stopped", "Container p-web-1 removed", "Network p_default removed"]),
    );
    const list = async () => ((await projects.get("/volumes")) as { Volumes: { Name: string }[] }).Volumes.map(({ Name }) => Name);
    expect(await list()).toEqual(["p_data"]);
    await ok(projects.up(project));
    await projects.down("p", { volumes: true, project });
    expect(await list()).toEqual([]);
    expect(await projects.get("/projects")).toEqual([]);
    expect((await projects.down("p")).warnings).toEqual(['No resource found to remove for project "p".']);
  });

  it("stops what depends on others before these", async () => {
    const on = (service: string) => ({ depends_on: { [service]: { condition: "service_started" as const, required: true } } });
    await ok(projects.up(projectOf("p", { web: on("api"), api: on("db"), db: {} })));
    const { steps } = await projects.down("p");
    const order = ["web", "api", "db"].map((name) => steps.indexOf(`Container p-${name}-1 removed`));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(steps.indexOf("Container p-web-1 removed")).toBeLessThan(steps.indexOf("Container p-api-1 stopping"));
  });

  it("leaves orphans alone unless they are asked for", async () => {
    await ok(projects.up(projectOf("p", { web: {}, old: {} })));
    const project = projectOf("p", { web: {} });
    await projects.down("p", { project });
    expect(await names()).toEqual(["p-old-1"]);
    await projects.down("p", { project, removeOrphans: true });
    expect(await names()).toEqual([]);
  });
});

describe("start, stop, restart, kill, pause and rm", () => {
  const state = async (name: string) => (await projects.containers("p")).get(name)?.State.Status;

  it("act on the services that are named, or on all", async () => {
    await ok(projects.up(projectOf("p", { web: {}, db: {} })));
    await ok(projects.act("p", "pause", { services: ["web"] }));
    expect([await state("p-web-1"), await state("p-db-1")]).toEqual(["paused", "running"]);
    await ok(projects.act("p", "unpause"));
    await ok(projects.act("p", "kill", { services: ["db"] }));
    expect([await state("p-web-1"), await state("p-db-1")]).toEqual(["running", "exited"]);
    await ok(projects.act("p", "start"));
    expect(await state("p-db-1")).toBe("running");
    const before = (await projects.containers("p")).get("p-web-1")?.State.StartedAt;
    await ok(projects.act("p", "restart", { services: ["web"] }));
    expect((await projects.containers("p")).get("p-web-1")?.State.StartedAt).not.toBe(before);
    await ok(projects.act("p", "stop"));
    expect([await state("p-web-1"), await state("p-db-1")]).toEqual(["exited", "exited"]);
    await ok(projects.act("p", "rm", { services: ["web"] }));
    expect(await names()).toEqual(["p-db-1"]);
    expect((await projects.act("p", "stop", { services: ["nosuch"] })).error).toMatchObject({ code: "scheduler/no-such-service" });
  });
});
