import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Container, Project, ProjectEvent, Service, WatchRule } from "../../../src/api/index.ts";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { ProjectClient, projectOf } from "../../support/project-client.ts";
import { until } from "../../support/until.ts";

let berth: Berth;
let projects: ProjectClient;
let source: string;
const told: string[] = [];
const timeoutMs = 20_000;

beforeAll(async () => {
  berth = await installedBerth();
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  projects = new ProjectClient(berth.socket);
});
afterAll(async () => {
  await berth[Symbol.asyncDispose]();
});
beforeEach(() => {
  source = mkdtempSync("/var/tmp/berth-watch-");
  told.length = 0;
  return () => rmSync(source, { recursive: true, force: true });
});

function write(path: string, text: string): void {
  const file = join(source, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const rule = (o: Partial<WatchRule> & Pick<WatchRule, "action">): WatchRule => ({
  path: join(source, "src"),
  ...(o.action.startsWith("sync") ? { target: "/app" } : {}),
  ...o,
});

/** Counts its starts in /starts and then waits. */
const counting = ["sh", "-c", "echo start >> /starts; exec sleep 100000"];

function watched(rules: WatchRule[], service: Partial<Service> = {}): Project {
  return projectOf("loop", { web: { command: counting, develop: { watch: rules }, ...service } });
}

/** Brings it up, watching, and listens to what the watch does. */
async function up(project: Project): Promise<AsyncDisposable & { warnings: readonly string[] }> {
  const answer = await projects.up(project, { watch: true });
  expect(answer.error).toBeUndefined();
  const over = new AbortController();
  const listening = (async () => {
    for await (const event of projects.client.lines<ProjectEvent>("GET", `/projects/${project.name}/watch`, { signal: over.signal })) {
      if (event.type === "watch") told.push(`${event.service}: ${event.message}`);
      if (event.type === "warning") told.push(event.message);
    }
  })().catch(() => {});
  return {
    warnings: answer.warnings,
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await listening;
      await projects.down(project.name, { timeoutMs: 0 });
    },
  };
}

async function inside(command: string, name = "loop-web-1"): Promise<string> {
  const answer = await berth.call(["docker", "exec", name, "sh", "-c", command]);
  return answer.exitCode === 0 ? answer.stdout.trimEnd() : `exit ${answer.exitCode}: ${answer.stderr}`;
}

async function containerOf(name: string): Promise<Container | undefined> {
  return (await projects.containers("loop")).get(name);
}
const sees = (command: string, text: string, name?: string) =>
  until(async () => (await inside(command, name)) === text, { timeoutMs, what: `${command} prints ${JSON.stringify(text)}` });
const says = (text: string) => until(() => told.find((line) => line.includes(text)), { timeoutMs, what: `the watch says "${text}"` });

describe("sync", () => {
  it("brings changes, new directories, links, renames and deletions, and leaves what is ignored", async () => {
    write("src/a.txt", "old");
    write("src/old-name", "kept");
    await using _ = await up(watched([rule({ action: "sync", ignore: ["node_modules/"] })]));
    expect(await inside("ls -A /app 2>&1; true")).toMatch(/No such file/);
    write("src/a.txt", "new");
    await sees("cat /app/a.txt", "new");
    write("src/node_modules/x", "");
    write("src/.a.txt.swp", "");
    write("src/deep/er/b.txt", "b");
    symlinkSync("a.txt", join(source, "src/link"));
    renameSync(join(source, "src/old-name"), join(source, "src/new-name"));
    await sees("cat /app/deep/er/b.txt && readlink /app/link && cat /app/new-name", "ba.txt\nkept");
    // As an editor saves: the old one aside, a new one in its place.
    renameSync(join(source, "src/a.txt"), join(source, "src/a.txt~"));
    write("src/a.txt", "by rename");
    await sees("cat /app/a.txt", "by rename");
    write(".swap", "over it");
    renameSync(join(source, ".swap"), join(source, "src/a.txt"));
    await sees("cat /app/a.txt", "over it");
    rmSync(join(source, "src/deep"), { recursive: true });
    await sees("find /app | sort", "/app\n/app/a.txt\n/app/link\n/app/new-name");
    expect(await inside("cat /starts")).toBe("start");
  });

  it("brings what changed while the service was stopped before its process starts, also into a container that is new", async () => {
    write("src/a.txt", "old");
    await using _ = await up(watched([rule({ action: "sync" })], { command: ["sh", "-c", "cat /app/a.txt >> /seen; exec sleep 100000"] }));
    await projects.act("loop", "stop", { timeoutMs: 0 });
    write("src/a.txt", "changed");
    await says("kept for the next start");
    await projects.act("loop", "start");
    await sees("cat /seen", "changed");
    const before = await containerOf("loop-web-1");
    await projects.up(watched([rule({ action: "sync" })], { command: ["sh", "-c", "cat /app/a.txt > /seen2; exec sleep 100000"] }));
    expect((await containerOf("loop-web-1"))?.Id).not.toBe(before?.Id);
    write("src/a.txt", "again");
    await sees("cat /app/a.txt", "again");
  });

  it("writes into the volume that the container has there", async () => {
    write("src/a.txt", "old");
    const volumes: Service["volumes"] = [{ type: "volume", source: "data", target: "/app/data" }];
    const project = watched([rule({ action: "sync", target: "/app/data/sub" })], { volumes });
    await using _ = await up({ ...project, volumes: { data: { name: "loop_data" } } });
    write("src/a.txt", "in the volume");
    await sees("cat /app/data/sub/a.txt", "in the volume");
    const other = await berth.ok(["docker", "run", "--rm", "-v", "loop_data:/v", "busybox", "cat", "/v/sub/a.txt"]);
    expect(other).toBe("in the volume");
    await projects.down("loop", { volumes: true, timeoutMs: 0 });
  });

  it("copies everything first with initial_sync", async () => {
    write("src/a.txt", "first");
    await using _ = await up(watched([rule({ action: "sync", initial_sync: true })]));
    expect(await inside("cat /app/a.txt")).toBe("first");
  });

  it("leads nowhere out of the target through a link in the container, and says so", async () => {
    write("src/a.txt", "old");
    await using _ = await up(watched([rule({ action: "sync" })]));
    await inside("mkdir -p /app && ln -s /etc /app/out");
    write("src/out/evil", "x");
    await says("leads out of the target");
    expect(await inside("ls /etc/evil 2>&1; true")).toMatch(/No such file/);
  });

  it("brings thousands of files that change at once", async () => {
    for (let file = 0; file < 2000; file++) write(`src/d${file % 20}/f${file}`, "old");
    await using _ = await up(watched([rule({ action: "sync" })]));
    for (let file = 0; file < 2000; file++) write(`src/d${file % 20}/f${file}`, "new");
    await sees("grep -rl new /app | wc -l", "2000");
  });
});

describe("restart", () => {
  it("restarts once for one batch, after everything was copied", async () => {
    write("src/a.txt", "old");
    write("etc/b.txt", "old");
    const rules = [rule({ action: "sync+restart" }), rule({ action: "sync+restart", path: join(source, "etc"), target: "/conf" })];
    await using _ = await up(
      watched(rules, { command: ["sh", "-c", "cat /app/* /conf/* >> /starts; echo . >> /starts; exec sleep 100000"] }),
    );
    await sees("cat /starts", ".");
    for (const name of ["a", "b", "c"]) {
      write(`src/${name}.txt`, name);
      write(`etc/${name}.txt`, name);
    }
    await says("restarted");
    expect(await inside("cat /starts")).toBe(".\nabcabc.");
    expect((await containerOf("loop-web-1"))?.RestartCount).toBe(0);
  });

  it("restarts without a copy", async () => {
    write("src/a.txt", "old");
    await using _ = await up(watched([rule({ action: "restart" })]));
    write("src/a.txt", "new");
    await sees("cat /starts; ls /app 2>/dev/null; true", "start\nstart");
  });
});

describe("sync+exec", () => {
  it("runs the command in the container after the copy, and tells how it ended", async () => {
    write("src/manifest", "one");
    const exec = { command: ["sh", "-c", "cat /app/manifest >> /installed; echo did it; exit $(cat /app/code)"] };
    await using _ = await up(watched([rule({ action: "sync+exec", exec })]));
    write("src/code", "0");
    write("src/manifest", "two");
    await says("did it");
    expect(await inside("cat /installed")).toBe("two");
    write("src/code", "3");
    await says("exit code 3");
  });
});

describe("rebuild", () => {
  const dockerfile = "FROM busybox\nCOPY src /app\nRUN test ! -e /app/broken\n";
  const build = () => ({ context: source });

  it("builds again and replaces only what was rebuilt, and restarts who asked for it", async () => {
    write("Dockerfile", dockerfile);
    write("src/a.txt", "old");
    const depends = (restart: boolean): Partial<Service> => ({
      command: counting,
      depends_on: { web: { condition: "service_started", required: true, restart } },
    });
    const project = projectOf("loop", {
      web: { image: "loop-web", build: build(), develop: { watch: [rule({ action: "rebuild" })] } },
      follower: depends(true),
      other: depends(false),
    });
    await using _ = await up(project);
    const before = await projects.containers("loop");
    write("src/a.txt", "new");
    await sees("cat /app/a.txt", "new");
    await says("rebuilt");
    const after = await projects.containers("loop");
    const changed = [...before].filter(([name, container]) => after.get(name)?.Id !== container.Id).map(([name]) => name);
    expect(changed).toEqual(["loop-web-1"]);
    expect(await inside("cat /starts", "loop-follower-1")).toBe("start\nstart");
    expect(await inside("cat /starts", "loop-other-1")).toBe("start");
  });

  it("keeps the old container where the build fails, says why, and tries again at the next save", async () => {
    write("Dockerfile", dockerfile);
    write("src/a.txt", "old");
    await using _ = await up(watched([rule({ action: "rebuild" })], { image: "loop-web", build: build() }));
    const before = await containerOf("loop-web-1");
    write("src/broken", "");
    await says("the build failed");
    expect(told.find((line) => line.includes("the build failed"))).toMatch(/test ! -e \/app\/broken/);
    expect((await containerOf("loop-web-1"))?.Id).toBe(before?.Id);
    rmSync(join(source, "src/broken"));
    write("src/a.txt", "fixed");
    await sees("cat /app/a.txt", "fixed");
  });

  it("builds exactly once more for a burst of edits during a build", async () => {
    write(
      "Dockerfile",
      "FROM busybox\nCOPY src /app\nRUN until [ -e /app/go ] || [ -e /tmp/x ]; do test -e /app/slow || break; sleep 0.3; touch /tmp/x; done\n",
    );
    write("src/a.txt", "0");
    await using _ = await up(watched([rule({ action: "rebuild" })], { image: "loop-web", build: build() }));
    write("src/slow", "");
    await says("rebuild");
    for (let edit = 1; edit <= 5; edit++) {
      write("src/a.txt", String(edit));
      await until(() => told.filter((line) => line.includes("changed: rebuild")).length > edit, {
        timeoutMs,
        what: `edit ${edit} is seen: ${told.join(" | ")}`,
      });
    }
    await sees("cat /app/a.txt", "5");
    await until(() => told.filter((line) => line.endsWith("rebuilt")).length >= 2, { timeoutMs, what: "two builds" });
    expect(told.filter((line) => line.endsWith("rebuilt")).length).toBe(2);
  });

  it("builds services that share a build once", async () => {
    write("Dockerfile", dockerfile);
    write("src/a.txt", "old");
    const service = (): Partial<Service> => ({ build: build(), develop: { watch: [rule({ action: "rebuild" })] } });
    const one = projectOf("loop", { web: service(), twin: service() });
    for (const each of Object.values(one.services)) delete each.image;
    await using _ = await up(one);
    write("src/a.txt", "new");
    await sees("cat /app/a.txt", "new");
    await sees("cat /app/a.txt", "new", "loop-twin-1");
    const [web, twin] = [await containerOf("loop-web-1"), await containerOf("loop-twin-1")];
    expect(web?.Image).toBe(twin?.Image);
  });
});

describe("bad input", () => {
  it("is one message each at the start, and the rest goes on", async () => {
    write("src/a.txt", "old");
    const rules = [
      rule({ action: "sync", path: join(source, "missing") }),
      rule({ action: "sync", target: "relative" }),
      rule({ action: "rebuild" }),
      rule({ action: "sync" }),
    ];
    const project = projectOf("loop", {
      web: { develop: { watch: rules } },
      fixed: { read_only: true, develop: { watch: [rule({ action: "sync" })] } },
    });
    await using started = await up(project);
    expect(started.warnings).toEqual([
      `services.web.develop.watch[0]: ${source}/missing does not exist, so nothing there is watched`,
      "services.web.develop.watch[1]: target relative is not an absolute path in the container",
      "services.web.develop.watch[2]: the action is rebuild, but web has no build",
      "services.fixed.develop.watch[0]: fixed is read_only, and target /app is on no writable volume",
    ]);
    write("src/a.txt", "new");
    await sees("cat /app/a.txt", "new");
  });
});

describe("a watch in the engine", () => {
  it("is shown, is switched off and on, and goes on with the next engine, which brings what changed meanwhile", async () => {
    write("src/a.txt", "old");
    write("src/lib/b.txt", "old");
    await using _ = await up(watched([rule({ action: "sync", initial_sync: true })]));
    await sees("cat /app/lib/b.txt && touch /app/lib/own", "old");
    write("src/a.txt", "one");
    write("src/later.txt", "one");
    await sees("cat /app/a.txt /app/later.txt", "oneone");
    rmSync(join(source, "src/later.txt"));
    await sees("ls /app", "a.txt\nlib");
    write("src/later.txt", "again");
    await sees("cat /app/later.txt", "again");
    write("src/a.txt", "three");
    await sees("cat /app/a.txt", "three");
    expect(await projects.get("/projects/loop")).toMatchObject({ watch: { on: true, last: "web: src/a.txt: 1 copied" } });
    await projects.act("loop", "watch", { on: false });
    expect(await projects.get("/projects/loop")).toMatchObject({ watch: { on: false } });
    await projects.act("loop", "watch", { on: true });
    process.kill(berth.enginePid(), "SIGKILL");
    write("src/a.txt", "while the engine was away");
    for (const path of ["src/lib/b.txt", "src/later.txt"]) rmSync(join(source, path));
    await sees("cat /app/a.txt", "while the engine was away");
    await sees("ls /app /app/lib", "/app:\na.txt\nlib\n\n/app/lib:\nown");
    write("src/a.txt", "two");
    await sees("cat /app/a.txt", "two");
  });
});
