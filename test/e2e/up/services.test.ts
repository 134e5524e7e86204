import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Project, ProjectEvent, Service } from "../../../src/api/index.ts";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { changes, ProjectClient, projectOf } from "../../support/project-client.ts";
import { until } from "../../support/until.ts";

let berth: Berth;
let projects: ProjectClient;
let directory: string;

beforeAll(async () => {
  berth = await installedBerth();
  directory = mkdtempSync("/var/tmp/berth-services-");
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  projects = new ProjectClient(berth.socket);
});
afterEach(async () => {
  expect((await projects.down("p", { volumes: true })).error).toBeUndefined();
});
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await berth[Symbol.asyncDispose]();
});

const ok = async (answer: ReturnType<ProjectClient["up"]>) => {
  const got = await answer;
  expect(got.error).toBeUndefined();
  return got;
};
const inside = (container: string, script: string) => berth.ok(["docker", "exec", container, "sh", "-c", script]);
const file = (name: string, text: string) => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};
const container = async (name: string) => (await projects.containers("p")).get(name);

describe("configs and secrets", () => {
  const project = (content: string): Project =>
    projectOf(
      "p",
      {
        web: {
          secrets: [{ source: "token" }, { source: "key", target: "/etc/key", uid: "33", gid: "33", mode: 0o400 }],
          configs: [{ source: "site", target: "/etc/site.conf" }, { source: "plain" }],
        },
      },
      {
        secrets: { token: { name: "p_token", environment: "TOKEN", content: "t0ken" }, key: { name: "p_key", file: file("key", "k3y") } },
        configs: { site: { name: "p_site", content }, plain: { name: "p_plain", file: file("plain", "from a file") } },
      },
    );

  it("are files in the container, with owner and mode", async () => {
    await ok(projects.up(project("server 1")));
    expect(await inside("p-web-1", "cat /run/secrets/token; echo; cat /etc/site.conf; echo; cat /plain")).toBe(
      "t0ken\nserver 1\nfrom a file",
    );
    expect(await inside("p-web-1", "stat -c '%u:%g %a' /etc/key /run/secrets/token; cat /etc/key")).toBe("33:33 400\n0:0 444\nk3y");
  });

  it("make the container again when their content changes", async () => {
    await ok(projects.up(project("server 1")));
    expect(changes(await ok(projects.up(project("server 1"))))).toEqual([]);
    const changed = await ok(projects.up(project("server 2")));
    expect(changed.steps).toContain("Container p-web-1 recreated");
    expect(await inside("p-web-1", "cat /etc/site.conf")).toBe("server 2");
  });

  it("that do not exist, or are external, are refused by name", async () => {
    await ok(projects.up(projectOf("p", { web: {} })));
    const missing = await projects.up(projectOf("p", { web: { secrets: [{ source: "nosuch" }] } }));
    expect(missing.error?.message).toBe('service web: there is no secret "nosuch"');
    const external = { secrets: { s: { name: "s", external: true } } };
    const refused = await projects.up(projectOf("p", { web: { secrets: [{ source: "s" }] } }, external));
    expect(refused.error?.message).toContain('secret "s" is external');
    // Nothing of these was taken over.
    expect(changes(await ok(projects.up(projectOf("p", { web: {} }))))).toEqual([]);
  });
});

describe("hooks", () => {
  it("post_start runs in the started container, as the user it names; pre_stop before it is stopped", async () => {
    const data = join(directory, "hooks");
    mkdirSync(data, { mode: 0o777, recursive: true });
    const note = (word: string) => ({ command: ["sh", "-c", `echo "${word} $(id -u) $WORD" >> /data/log`], environment: { WORD: word } });
    const web: Partial<Service> = {
      volumes: [{ type: "bind", source: data, target: "/data" }],
      post_start: [note("first"), { ...note("second"), user: "root" }],
      pre_stop: [note("stopping")],
    };
    await ok(projects.up(projectOf("p", { web })));
    expect(await inside("p-web-1", "cat /data/log")).toBe("first 0 first\nsecond 0 second");
    await ok(projects.act("p", "stop"));
    await ok(projects.act("p", "start"));
    expect(await inside("p-web-1", "tail -n 3 /data/log")).toBe("stopping 0 stopping\nfirst 0 first\nsecond 0 second");
  });

  it("one that fails fails the up, with what it printed", async () => {
    const answer = await projects.up(projectOf("p", { web: { post_start: [{ command: ["sh", "-c", "echo no migrations; exit 3"] }] } }));
    expect(answer.error).toMatchObject({ code: "scheduler/hook-failed", hint: "It printed:\n  | no migrations" });
    expect(answer.error?.message).toContain("exited with 3");
  });
});

describe("services that share", () => {
  it("namespaces: they are joined, and follow when their owner is made again", async () => {
    const project = (value: string) =>
      projectOf("p", {
        main: { environment: { A: value }, ipc: "shareable" },
        side: { network_mode: "service:main", pid: "service:main" },
      });
    await ok(projects.up(project("1")));
    const addresses = () => Promise.all(["p-main-1", "p-side-1"].map((name) => inside(name, "ip -o -4 addr show eth0 | awk '{print $4}'")));
    const [main, side] = await addresses();
    expect(side).toBe(main);
    expect(await inside("p-side-1", "ps -o args")).toContain("sleep 100000");
    const answer = await ok(projects.up(project("2")));
    expect(answer.steps).toContain("Container p-side-1 recreated");
    const [newMain, newSide] = await addresses();
    expect(newSide).toBe(newMain);
    expect(changes(await ok(projects.up(project("2"))))).toEqual([]);
  });

  it("volumes (volumes_from), and names (links)", async () => {
    const project = projectOf("p", {
      db: { volumes: [{ type: "volume", target: "/data" }], command: ["sh", "-c", "echo rows > /data/rows; exec sleep 100000"] },
      web: { volumes_from: ["db:ro"], links: ["db:database"] },
    });
    await ok(projects.up(project));
    expect(await inside("p-web-1", "cat /data/rows; touch /data/x 2>/dev/null || echo read-only")).toBe("rows\nread-only");
    expect(await inside("p-web-1", "ping -c 1 -W 2 database > /dev/null && echo reached")).toBe("reached");
  });

  it("a network: all names of a service answer, its aliases only there", async () => {
    const project = projectOf(
      "p",
      {
        web: { networks: { front: null, back: null } },
        db: { scale: 2, networks: { back: { aliases: ["database"] } } },
      },
      { networks: { front: { name: "p_front" }, back: { name: "p_back" } } },
    );
    await ok(projects.up(project));
    for (const name of ["db", "database", "p-db-1", "p-db-2"])
      expect(await inside("p-web-1", `ping -c 1 -W 2 ${name} > /dev/null && echo ${name}`)).toBe(name);
    expect(Object.keys((await container("p-web-1"))?.NetworkSettings.Networks ?? {}).sort()).toEqual(["p_back", "p_front"]);
  });
});

describe("run", () => {
  const run = (service: string, project: Project, more: object = {}) =>
    projects.call("POST", "/projects/p/run", { project, service, ...more });

  it("makes a container of its own, after what the service depends on is up", async () => {
    const project = projectOf("p", {
      web: {
        depends_on: { db: { condition: "service_started", required: true } },
        ports: [{ mode: "ingress", target: 80, published: "18080", protocol: "tcp" }],
      },
      db: {},
    });
    const answer = await run("web", project, {
      command: ["sh", "-c", "echo $A in $(pwd)"],
      environment: { A: "b" },
      workingDir: "/tmp",
    });
    expect(answer.error).toBeUndefined();
    const [name] = [...(await projects.containers("p")).keys()].filter((one) => one.startsWith("p-web-run-"));
    const made = await container(name ?? "");
    expect(made?.Id).toBe(answer.containerId);
    expect(made?.State.Status).toBe("created");
    expect(made?.Config.Labels).toMatchObject({ "com.docker.compose.oneoff": "True", "com.docker.compose.service": "web" });
    expect(made?.HostConfig.PortBindings).toEqual({});
    expect((await container("p-db-1"))?.State.Running).toBe(true);
    await berth.ok(["docker", "start", name ?? ""]);
    await berth.ok(["docker", "wait", name ?? ""]);
    expect(await berth.ok(["docker", "logs", name ?? ""])).toBe("b in /tmp");
  });

  it("leaves the service's own containers alone, and is no reason to repair", async () => {
    const project = projectOf("p", { web: {} });
    await ok(projects.up(project));
    const answer = await run("web", project, { command: ["true"], noDeps: true, remove: true, name: "p-task" });
    expect(answer.error).toBeUndefined();
    expect([...(await projects.containers("p")).keys()]).toEqual(["p-task", "p-web-1"]);
    await berth.ok(["docker", "start", "p-task"]);
    await until(async () => !(await container("p-task")), { timeoutMs: 20_000, what: "the task has removed itself" });
    expect(changes(await ok(projects.up(project)))).toEqual([]);
  });
});

describe("images", () => {
  const builds = (events: readonly ProjectEvent[]) => events.filter((event) => event.type === "step" && event.status === "built").length;
  const context = (text: string) => {
    writeFileSync(join(directory, "Dockerfile"), text);
    return { build: { context: directory }, image: undefined };
  };
  const built = (name: string, dockerfile: string, more: Partial<Service> = {}): Record<string, Partial<Service>> => {
    const { image: _, ...rest } = context(dockerfile);
    return { [name]: { ...rest, ...more } };
  };
  /** projectOf names an image for every service; one that is built has its own. */
  const project = (services: Record<string, Partial<Service>>): Project => {
    const whole = projectOf("p", services);
    for (const [key, service] of Object.entries(services)) if (service.build && !service.image) delete whole.services[key]?.image;
    return whole;
  };

  it("are built when they are missing or when asked for, and what changed is made again", async () => {
    const first = await ok(projects.up(project(built("web", "FROM busybox\nRUN echo 1 > /version\n"))));
    expect(builds(first.events)).toBe(1);
    expect(first.events.some((event) => event.type === "build" && event.event.type === "vertex")).toBe(true);
    expect((await container("p-web-1"))?.Config.Image).toBe("p-web");
    const second = project(built("web", "FROM busybox\nRUN echo 2 > /version\n"));
    expect(changes(await ok(projects.up(second)))).toEqual([]);
    const asked = await ok(projects.up(second, { build: "always" }));
    expect(asked.steps).toContain("Container p-web-1 recreated");
    expect(await inside("p-web-1", "cat /version")).toBe("2");
    const down = await projects.down("p", { images: "local", project: second });
    expect(down.steps).toContain("Image p-web:latest removed");
    const refused = await projects.up(second, { build: "never" });
    expect(refused.error?.message).toContain("it may not be built");
  });

  it("services with the same build share one", async () => {
    const services = { ...built("a", "FROM busybox\nRUN echo shared > /x\n"), ...built("b", "FROM busybox\nRUN echo shared > /x\n") };
    const answer = await ok(projects.up(project(services)));
    const exporting = answer.events.filter(
      (event) =>
        event.type === "build" && event.event.type === "vertex" && event.event.name.startsWith("exporting") && event.event.completedMs,
    );
    expect(exporting).toHaveLength(1);
    expect((await container("p-a-1"))?.Image).toBe((await container("p-b-1"))?.Image);
    await projects.down("p", { images: "local", project: project(services) });
  });

  it("a build that fails says so and starts nothing", async () => {
    const answer = await projects.up(project({ ...built("web", "FROM busybox\nRUN echo oh no; exit 5\n"), db: {} }));
    expect(answer.error?.code).toBe("build/step-failed");
    expect([...(await projects.containers("p")).keys()]).toEqual([]);
  });

  it("build builds only, pull tells what it passes over", async () => {
    const services = project({ ...built("web", "FROM busybox\nRUN echo only > /x\n"), db: {} });
    const answer = await projects.call("POST", "/projects/p/build", { project: services });
    expect(answer.steps).toEqual(["Image p-web building", "Image p-web built"]);
    const pull = await projects.call("POST", "/projects/p/pull", { project: services, policy: "missing" });
    expect(pull.error).toBeUndefined();
    expect(pull.steps).toContain("Image busybox skipped");
    await projects.down("p", { images: "local", project: services });
  });
});
