import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { loadBusybox, type TestProject, testProject } from "../../support/project.ts";

// The commands that change and show the state of a project: flags and output are those of docker compose 2.40.
let berth: Berth;
let project: TestProject;
const compose = `name: shop
services:
  web:
    image: busybox
    command: sleep 1000
    stop_signal: SIGKILL
    depends_on: [db]
  db:
    image: busybox
    command: sleep 1000
    stop_signal: SIGKILL
    volumes: [data:/data]
volumes:
  data:
`;

beforeAll(async () => {
  berth = await installedBerth();
  await loadBusybox(berth);
});
afterAll(async () => {
  await berth?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  project = testProject(berth, compose);
});
afterEach(async () => {
  await project[Symbol.asyncDispose]();
});

const lines = (text: string) => text.split("\n").filter((line) => line !== "");
const states = async () =>
  Object.fromEntries(
    lines(await project.berth("ps", "-a", "--format", "json"))
      .map((line) => JSON.parse(line) as { Name: string; State: string })
      .map(({ Name, State }) => [Name, State]),
  );

test("create makes and starts nothing; start, stop, kill, rm go through the states, in the order of dependencies", async () => {
  expect(lines((await project.try("create")).stderr)).toEqual(expect.arrayContaining([" Container shop-web-1  Created"]));
  expect(await states()).toEqual({ "shop-db-1": "created", "shop-web-1": "created" });
  const started = lines((await project.try("start")).stderr).filter((line) => line.endsWith("Started"));
  expect(started).toEqual([" Container shop-db-1  Started", " Container shop-web-1  Started"]);
  const stopped = lines((await project.try("stop")).stderr).filter((line) => line.endsWith("Stopped"));
  expect(stopped).toEqual([" Container shop-web-1  Stopped", " Container shop-db-1  Stopped"]);
  expect(await states()).toEqual({ "shop-db-1": "exited", "shop-web-1": "exited" });
  await project.berth("start", "db");
  expect(await states()).toEqual({ "shop-db-1": "running", "shop-web-1": "exited" });
  await project.berth("stop");
  await project.berth("start", "web"); // and what it needs
  expect(await states()).toEqual({ "shop-db-1": "running", "shop-web-1": "running" });
  await project.berth("kill");
  expect((await project.try("rm")).exitCode).toBe(0); // it asks, and nobody is there to answer
  expect(Object.keys(await states())).toHaveLength(2);
  const removed = await project.try("rm", "-f");
  expect(lines(removed.stdout)).toEqual(["Going to remove shop-db-1, shop-web-1"]);
  expect(await states()).toEqual({});
  expect((await project.try("rm", "-f")).stderr.trim()).toBe("No stopped containers");
});

test("pause and unpause, restart, and a signal of one's own", async () => {
  await project.berth("up", "-d");
  await project.berth("pause", "web");
  expect(await states()).toEqual({ "shop-db-1": "running", "shop-web-1": "paused" });
  await project.berth("unpause");
  const again = await project.try("unpause", "web");
  expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining("is not paused")]);
  const started = async () => (await berth.ok(["docker", "inspect", "-f", "{{.State.StartedAt}}", "shop-web-1"])).trim();
  const before = await started();
  await project.berth("restart", "web");
  expect(await started()).not.toBe(before);
  const told = lines(await project.berth("events", "--json", "--since", "5m", "--until", "0s", "web"));
  expect(told.map((line) => JSON.parse(line).action).slice(-4)).toEqual(["die", "stop", "start", "restart"]);
  expect((await project.berth("ps", "--format", '{{.Label "com.docker.compose.service"}}', "web")).trim()).toBe("web");
  await project.berth("kill", "-s", "SIGSTOP", "web");
  expect((await states())["shop-web-1"]).toBe("running");
});

test("an up of what is up says that it runs, and --progress json and quiet say it otherwise", async () => {
  await project.berth("up", "-d");
  expect(lines((await project.try("up", "-d")).stderr).sort()).toEqual([" Container shop-db-1  Running", " Container shop-web-1  Running"]);
  const restarted = lines((await project.try("--progress", "json", "restart", "-t", "0", "web")).stderr).map((line) => JSON.parse(line));
  expect(restarted.at(-1)).toEqual({ id: "Container shop-web-1", status: "Started" });
  expect((await project.try("--progress", "quiet", "restart", "-t", "0")).stderr).toBe("");
});

test("--dry-run prints the plan with its reasons, and changes nothing", async () => {
  expect(lines(await project.berth("--dry-run", "up", "-d"))).toEqual([
    "create network shop_default: network shop_default does not exist",
    "create volume shop_data: volume shop_data does not exist",
    "create db #1: it does not exist",
    "start db #1: it was made",
    "create web #1: it does not exist",
    "start web #1: it was made",
  ]);
  expect(await states()).toEqual({});
  await project.berth("up", "-d");
  expect(lines(await project.berth("--dry-run", "stop", "web"))).toEqual(["would stop shop-web-1"]);
  expect(lines(await project.berth("down", "--dry-run", "-v"))).toContain("remove volume shop_data: the project is taken down");
  expect(Object.keys(await states())).toHaveLength(2);
});

test("scale, and up with --scale and --no-recreate", async () => {
  await project.berth("scale", "web=3");
  expect(Object.keys(await states()).sort()).toEqual(["shop-db-1", "shop-web-1", "shop-web-2", "shop-web-3"]);
  await project.berth("up", "-d", "--scale", "web=1");
  expect(Object.keys(await states()).sort()).toEqual(["shop-db-1", "shop-web-1"]);
  const id = (await project.berth("ps", "-q", "web")).trim();
  project.write("compose.yaml", compose.replace("command: sleep 1000", "command: sleep 2000"));
  await project.berth("up", "-d", "--no-recreate");
  expect((await project.berth("ps", "-q", "web")).trim()).toBe(id);
  await project.berth("up", "-d");
  expect((await project.berth("ps", "-q", "web")).trim()).not.toBe(id);
});

test("orphans are named, and removed where that is asked for", async () => {
  await project.berth("up", "-d");
  project.write("compose.yaml", compose.replace(/ {2}web:[\s\S]*?(?= {2}db:)/, ""));
  expect((await project.try("up", "-d")).stderr).toMatch(/warning: Found orphan containers.*shop-web-1/);
  const removed = await project.try("rm", "-f", "-s");
  expect(removed.stdout.trim()).toBe("Going to remove shop-db-1");
  expect(Object.keys(await states())).toEqual(["shop-web-1"]);
  await project.berth("up", "-d", "--remove-orphans");
  expect(Object.keys(await states())).toEqual(["shop-db-1"]);
  await project.berth("down", "-v", "db"); // with the volumes that are its own
  expect((await berth.ok(["volume", "ls", "-q"])).trim()).toBe("");
});

test("wait tells exit codes, and takes the project down where that is asked for", async () => {
  project.write(
    "compose.yaml",
    `${compose.replace("volumes:\n  data:\n", "")}  job:\n    image: busybox\n    command: sh -c 'exit 4'\nvolumes:\n  data:\n`,
  );
  await project.berth("up", "-d");
  const id = (await project.berth("ps", "-aq", "job")).trim();
  const answer = await project.try("wait", "job");
  expect([answer.exitCode, answer.stdout.trim()]).toEqual([
    4,
    expect.stringMatching(new RegExp(`^container "${id}[0-9a-f]*" exited with status code 4$`)),
  ]);
  await project.berth("start", "job");
  expect((await project.try("wait", "--down-project", "job")).exitCode).toBe(4);
  expect(await states()).toEqual({});
});

test("images, volumes, events and ls show the project under Compose's names", async () => {
  await project.berth("up", "-d");
  expect((await project.berth("images")).split("\n")[0]).toMatch(/^CONTAINER +REPOSITORY +TAG +PLATFORM +IMAGE ID +SIZE +CREATED$/);
  const [image] = JSON.parse(await project.berth("images", "--format", "json")) as Record<string, unknown>[];
  expect(image).toMatchObject({ ContainerName: "shop-db-1", Repository: "busybox", Tag: "latest" });
  expect(lines(await project.berth("volumes"))).toEqual(["DRIVER    VOLUME NAME", "local     shop_data"]);
  expect(lines(await project.berth("volumes", "-q", "web"))).toEqual([]);
  expect(lines(await project.berth("volumes", "--format", "{{.Name}} {{.Driver}}", "db"))).toEqual(["shop_data local"]);
  const events = lines(await project.berth("events", "--json", "--since", "5m", "--until", "0s")).map((line) => JSON.parse(line));
  expect(
    events
      .filter(({ service }) => service === "db")
      .map(({ action }) => action)
      .slice(0, 2),
  ).toEqual(["create", "start"]);
  expect(events[0]).toMatchObject({ type: "container", attributes: { image: "busybox", name: expect.stringMatching(/^shop-/) } });
  expect(lines(await project.berth("events", "--since", "5m", "--until", "0s", "web"))[0]).toMatch(
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} container create [0-9a-f]{64} \(image=busybox, name=shop-web-1\)$/,
  );
  expect(await project.berth("ls")).toMatch(/^shop +running\(2\) +\/\S+compose\.yaml$/m);
});

test("down by the name alone, from anywhere; and its images", async () => {
  await project.berth("up", "-d");
  await berth.ok(["-p", "shop", "down", "-v"], { cwd: "/" });
  expect(await states()).toEqual({});
  expect((await berth.ok(["volume", "ls", "-q"])).trim()).toBe("");
  const nothing = await berth.call(["-p", "shop", "down"], { cwd: "/" });
  expect([nothing.exitCode, nothing.stderr]).toEqual([0, expect.stringContaining('No resource found to remove for project "shop"')]);
});

test("--rmi local takes what was built for a service, whatever it is called; binds of both forms make their directory", async () => {
  project.write(
    "compose.yaml",
    `services:
  a:
    image: shop-own:1
    build: { context: ., dockerfile_inline: "FROM busybox" }
    command: sleep 1000
    stop_signal: SIGKILL
    volumes: [{ type: bind, source: ./made, target: /made }]
`,
  );
  await project.berth("up", "-d");
  expect(existsSync(join(project.directory, "made"))).toBe(true);
  const file = JSON.parse(await project.berth("build", "--print")) as { target: Record<string, { tags: string[]; output: string[] }> };
  expect(file.target["a"]).toMatchObject({ tags: ["shop-own:1"], output: ["type=docker"] });
  await project.berth("down", "--rmi", "local");
  expect(lines(await berth.ok(["docker", "images", "--format", "{{.Repository}}"]))).toEqual(["busybox"]);
});

test("--compatibility: names with underscores, from the first to the last command", async () => {
  await project.berth("--compatibility", "up", "-d");
  expect(Object.keys(await states()).sort()).toEqual(["shop_db_1", "shop_web_1"]);
  await project.berth("--compatibility", "down");
  expect(await states()).toEqual({});
});

test("services that are not there are refused by every command, with what was meant", async () => {
  for (const command of [
    ["up", "-d"],
    ["start"],
    ["stop"],
    ["restart"],
    ["kill"],
    ["rm", "-f"],
    ["pause"],
    ["build"],
    ["pull"],
    ["push"],
    ["create"],
    ["down"],
    ["run"],
  ]) {
    const answer = await project.try(...command, "wbe");
    expect([command, answer.exitCode, answer.stderr]).toEqual([
      command,
      1,
      expect.stringMatching(/no such service: wbe[\s\S]*Did you mean "web"\?/),
    ]);
  }
});
