import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "undici";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { ProjectStatus, ProjectStreamEvent } from "../../../src/api/index.ts";
import { jsonLines } from "../../../src/cli/client/index.ts";
import { apiDescription } from "../../support/api-description.ts";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { type ProjectAnswer, ProjectClient, projectOf } from "../../support/project-client.ts";
import { until } from "../../support/until.ts";

// What the engine says below /projects is what docs/openapi.yaml says that it says.
const description = apiDescription();
let berth: Berth;
let projects: ProjectClient;
let context: string;

beforeAll(async () => {
  berth = await installedBerth();
  context = mkdtempSync("/var/tmp/berth-described-");
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  projects = new ProjectClient(berth.socket);
});
afterEach(async () => {
  for (const { name } of (await projects.get("/projects")) as ProjectStatus[]) await ok(projects.down(name, { volumes: true }));
});
afterAll(async () => {
  rmSync(context, { recursive: true, force: true });
  await berth[Symbol.asyncDispose]();
});

const webAndDb = (name: string) =>
  projectOf(
    name,
    { web: { volumes: [{ type: "volume", source: "data", target: "/data" }] }, db: {} },
    { volumes: { data: { name: `${name}_data` } } },
  );

async function described(answer: Promise<ProjectAnswer>): Promise<ProjectAnswer> {
  const got = await answer;
  expect(got.events.flatMap((event) => description.faults("ProjectEvent", event))).toEqual([]);
  return got;
}

async function ok(answer: Promise<ProjectAnswer>): Promise<ProjectAnswer> {
  const got = await described(answer);
  expect(got.error).toBeUndefined();
  return got;
}

/** The project's events from then on. */
async function follow(name: string) {
  const abort = new AbortController();
  const { body } = await projects.client.request("GET", `/projects/${name}/events`, { signal: abort.signal });
  const lines = jsonLines<ProjectStreamEvent>(body);
  return {
    async until(isLast: (event: ProjectStreamEvent) => boolean): Promise<ProjectStreamEvent[]> {
      const got: ProjectStreamEvent[] = [];
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`the stream ended after ${JSON.stringify(got)}`);
        got.push(value);
        expect(description.faults("ProjectStreamEvent", value)).toEqual([]);
        if (isLast(value)) return got;
      }
    },
    leave: () => abort.abort(),
  };
}

const isResult = (event: ProjectStreamEvent) => event.type === "result";
const listeners = async () => ((await projects.get("/info")) as { NEventsListener: number }).NEventsListener;

test("an up: its events, the list, the status and the definition are as described", async () => {
  const project = webAndDb("p");
  expect(description.faults("ProjectPut", { project, options: {} })).toEqual([]);
  const { steps } = await ok(projects.up(project));
  expect(steps).toContain("Container p-web-1 started");
  const list = (await projects.get("/projects")) as unknown[];
  expect(list).toMatchObject([{ name: "p", desired: true, state: "settled" }]);
  expect(list.flatMap((status) => description.faults("ProjectStatus", status))).toEqual([]);
  expect(description.faults("ProjectStatus", await projects.get("/projects/p"))).toEqual([]);
  expect(description.faults("ProjectDefinition", await projects.get("/projects/p/definition"))).toEqual([]);
  expect(description.faults("ProjectStatus", { ...(list[0] as object), state: "fine" })).not.toEqual([]);
  for (const kind of ["stop", "start", "restart", "pause", "unpause", "kill"]) await ok(projects.act("p", kind));
  await ok(projects.act("p", "rm", { services: ["db"] }));
  await ok(projects.call("POST", "/projects/p/run", { project, service: "web" }));
});

test("the events of a project go to those who follow it, from before it is there to after its end", async () => {
  const before = await listeners();
  const follower = await follow("q");
  const up = await ok(projects.up(webAndDb("q")));
  const heard = await follower.until(isResult);
  expect(heard.filter((event) => event.type !== "container")).toEqual(up.events);
  const actions = heard.flatMap((event) =>
    event.type === "container" ? [`${event.event.Actor.Attributes["name"]} ${event.event.Action}`] : [],
  );
  expect(actions.sort()).toEqual(["q-db-1 create", "q-db-1 start", "q-web-1 create", "q-web-1 start"]);

  // What the engine repairs by itself is told as well.
  await berth.ok(["docker", "rm", "-f", "q-db-1"]);
  const repair = await follower.until((event) => event.type === "step" && event.id === "Container q-db-1" && event.status === "started");
  expect(repair.some((event) => event.type === "container" && event.event.Action === "destroy")).toBe(true);
  await ok(projects.up(webAndDb("other")));
  await ok(projects.down("other", { volumes: true }));
  const down = await ok(projects.down("q", { volumes: true }));
  const end = await follower.until(isResult);
  expect(end.filter((event) => event.type !== "container").slice(-down.events.length)).toEqual(down.events);
  expect(JSON.stringify(end)).not.toContain("other");
  expect(await listeners()).toBe(before + 1);
  follower.leave();
  await until(async () => (await listeners()) === before, { timeoutMs: 30_000, what: "the engine no longer tells who went away" });
});

test("builds, snapshots and errors are as described", async () => {
  const built = projectOf("b", {
    web: {
      image: "b-web",
      build: { context, dockerfile_inline: "FROM busybox\nRUN echo made > /made\n" },
      volumes: [{ type: "volume", source: "data", target: "/data" }],
    },
  });
  const { events } = await ok(projects.up({ ...built, volumes: { data: { name: "b_data" } } }));
  const kinds = events.flatMap((event) => (event.type === "build" ? [event.event.type] : []));
  expect(kinds).toContain("vertex");

  await ok(projects.call("POST", "/projects/b/snapshots", { name: "first" }));
  const snapshots = (await projects.get("/projects/b/snapshots")) as unknown[];
  expect(snapshots).toMatchObject([{ name: "first", volumes: [{ name: "b_data" }] }]);
  expect(snapshots.flatMap((snapshot) => description.faults("VolumeSnapshot", snapshot))).toEqual([]);
  await ok(projects.call("POST", "/projects/b/snapshots/restore", {}));
  expect((await projects.client.request("DELETE", "/projects/b/snapshots/first")).status).toBe(204);

  const failed = await described(projects.up(projectOf("b", { web: { image: "nowhere.invalid/none", pull_policy: "never" } })));
  expect(failed.ok).toBe(false);
  expect((await projects.client.request("POST", "/projects/b/cancel")).status).toBe(204);

  const agent = new Agent({ connect: { socketPath: berth.socket } });
  const asked = async (method: "GET" | "PUT", path: string, body?: object) => {
    const answer = await request(`http://engine${path}`, { method, dispatcher: agent, body: body ? JSON.stringify(body) : null });
    const error = await answer.body.json();
    expect(description.faults("ErrorAnswer", error)).toEqual([]);
    return `${answer.statusCode} ${(error as { code: string }).code}`;
  };
  expect(await asked("GET", "/projects/none")).toBe("404 project/not-found");
  expect(await asked("GET", "/projects/none/definition")).toBe("404 project/not-found");
  expect(await asked("GET", "/projects/none/watch")).toBe("404 project/not-found");
  expect(await asked("GET", "/projects/Not%20A%20Name/events")).toBe("400 api/bad-parameter");
  expect(await asked("PUT", "/projects/b", { project: webAndDb("c") })).toBe("400 api/bad-parameter");
  await agent.close();
});
