import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { ProjectClient, projectOf } from "../../support/project-client.ts";

let berth: Berth;
let projects: ProjectClient;

beforeAll(async () => {
  berth = await installedBerth();
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  projects = new ProjectClient(berth.socket);
});
afterAll(async () => {
  await berth[Symbol.asyncDispose]();
});

describe("up", () => {
  it("makes what is missing, starts it and tells each step", async () => {
    const answer = await projects.up(projectOf("first", { web: {}, db: {} }));
    expect(answer.error).toBeUndefined();
    expect(answer.steps).toEqual(
      expect.arrayContaining([
        "Network first_default created",
        "Container first-web-1 created",
        "Container first-web-1 started",
        "Container first-db-1 started",
      ]),
    );
    const containers = await projects.containers("first");
    expect([...containers.keys()]).toEqual(["first-db-1", "first-web-1"]);
    const again = await projects.up(projectOf("first", { web: {}, db: {} }));
    expect(again.steps).toEqual([]);
    const down = await projects.down("first");
    expect(down.steps).toEqual(expect.arrayContaining(["Container first-web-1 removed", "Network first_default removed"]));
    expect(await projects.containers("first")).toEqual(new Map());
  });
});
