import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dockerPlugins } from "../../../scripts/docker-plugins.mjs";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { type TestProject, testProject } from "../../support/project.ts";
import { until } from "../../support/until.ts";

const file = `
services:
  web:
    image: busybox
    command: sleep 100000
    stop_signal: SIGKILL
    depends_on: [db]
    environment: { A: b }
    networks: [default, back]
  db:
    image: busybox
    command: sleep 100000
    stop_grace_period: 0s
    networks: { back: { aliases: [database] } }
    volumes: ["rows:/rows"]
    healthcheck: { test: ["CMD", "true"], interval: 1s }
networks:
  back: { internal: true, labels: { x: "1<2" } }
volumes:
  rows: { labels: { a: b } }
`;

let berth: Berth;
let project: TestProject;

beforeAll(async () => {
  berth = await installedBerth();
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  project = testProject(berth, file);
});
afterAll(async () => {
  await project[Symbol.asyncDispose]();
  await berth[Symbol.asyncDispose]();
});

/** The real Compose on the engine's socket; what it says of its progress. */
async function compose(...args: string[]): Promise<string> {
  const result = await execa(join(dockerPlugins(), "docker-compose"), args, {
    cwd: project.directory,
    env: { DOCKER_HOST: `unix://${berth.socket}`, HOME: berth.root },
    all: true,
    timeout: 60_000,
  });
  return result.all;
}
const ids = async () => (await berth.ok(["docker", "ps", "-aq", "--no-trunc"])).split("\n").filter(Boolean).sort();
const made = /Creating|Recreat|Starting|Warn/i;

describe("Docker Compose and Berth on the same project", () => {
  it("take what the other made as it is: containers, networks and volumes", async () => {
    await project.berth("up", "-d");
    const before = await ids();
    expect(before).toHaveLength(2);
    expect(await compose("up", "-d")).not.toMatch(made);
    expect((await project.try("up", "-d")).stderr).not.toMatch(made);
    expect(await ids()).toEqual(before);
    await project.berth("down", "-v");
    await compose("up", "-d");
    const composed = await ids();
    expect((await project.try("up", "-d")).stderr).not.toMatch(made);
    expect(await ids()).toEqual(composed);
  });

  it("are told of the end of what was stopped while it waited to be started again", async () => {
    project.write("again.yaml", "services:\n  job: { image: busybox, command: sh -c 'exit 2', restart: always }\n");
    const said = await compose("-f", "again.yaml", "-p", "again", "up", "--abort-on-container-exit").catch((error) => error.all as string);
    expect(said).toContain("job-1 exited with code 2 (restarting)");
    expect(said).toMatch(/job-1 exited with code \d+\n/);
    await compose("-f", "again.yaml", "-p", "again", "down");
  });

  it("do not fight: what Compose takes down stays down", async () => {
    await project.berth("up", "-d");
    await compose("down", "-v");
    expect(await ids()).toEqual([]);
    // Had anything been left to repair, the project would still be desired.
    await until(async () => (await berth.ok(["ls", "-a", "-q"])) === "", { timeoutMs: 10_000, what: "no project is left" });
    expect(await ids()).toEqual([]);
    expect(await berth.ok(["docker", "network", "ls", "-q", "-f", "label=com.docker.compose.project"])).toBe("");
  });
});
