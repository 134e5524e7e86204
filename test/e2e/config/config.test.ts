import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";

// `berth config` needs no engine, and starts none.
let berth: Berth;
let cwd: string;
beforeAll(async () => {
  berth = await installedBerth();
  cwd = join(mkdtempSync("/var/tmp/berth-config-"), "shop");
  mkdirSync(join(cwd, "web"), { recursive: true });
  writeFileSync(join(cwd, "compose.yaml"), file);
  writeFileSync(join(cwd, "web.env"), "MODE=file\n");
  writeFileSync(join(cwd, ".env"), "TAG=2\n");
});
afterAll(async () => {
  rmSync(join(cwd, ".."), { recursive: true, force: true });
  await berth?.[Symbol.asyncDispose]();
});

const file = `
services:
  web:
    build: web
    env_file: web.env
    environment: {COST: "5$$", GREETING: "\${GREETING:-hello}"}
    ports: ["8080:80"]
    depends_on: [db]
  db:
    image: "postgres:\${TAG}"
    volumes: ["rows:/var/lib/postgresql/data"]
  admin:
    image: adminer
    profiles: [tools]
volumes:
  rows:
`;

const lines = async (...args: string[]) => (await berth.ok(["config", ...args], { cwd })).trim().split("\n");

test("prints the canonical project, as YAML that reads the same again, and as JSON", async () => {
  const yaml = await berth.ok(["config"], { cwd });
  expect(yaml).toContain("COST: 5$$");
  expect(yaml).toContain("MODE: file");
  const again = await berth.ok(["-f", "-", "--project-directory", cwd, "config", "--format", "json"], { cwd, input: yaml });
  expect(JSON.parse(again)).toEqual(JSON.parse(await berth.ok(["config", "--format", "json"], { cwd })));
  expect(JSON.parse(again)).toMatchObject({
    name: "shop",
    services: { db: { image: "postgres:2" }, web: { build: { context: join(cwd, "web") } } },
  });
});

test("prints one list of what is in it", async () => {
  expect(await lines("--services")).toEqual(["db", "web"]);
  expect(await lines("--volumes")).toEqual(["rows"]);
  expect(await lines("--networks")).toEqual(["default"]);
  expect(await lines("--images")).toEqual(["postgres:2", "shop-web"]);
  expect(await lines("--profiles")).toEqual(["tools"]);
  expect(await lines("--environment")).toContain("TAG=2");
  const hashes = await lines("--hash", "*");
  expect(hashes).toEqual([expect.stringMatching(/^db [0-9a-f]{64}$/), expect.stringMatching(/^web [0-9a-f]{64}$/)]);
  expect(await lines("--hash", "web")).toEqual([hashes[1]]);
});

test("says which variables the files refer to, and prints them as they are with --no-interpolate", async () => {
  expect(await lines("--variables")).toEqual([
    expect.stringMatching(/^NAME +REQUIRED +DEFAULT VALUE +ALTERNATE VALUE$/),
    expect.stringMatching(/^GREETING +false +hello/),
    expect.stringMatching(/^TAG +false/),
  ]);
  expect(await berth.ok(["config", "--no-interpolate"], { cwd })).toContain("postgres:${TAG}");
});

test("leaves steps out, prints only the services that are named, writes to a file, or nothing", async () => {
  expect(await berth.ok(["config", "--no-path-resolution"], { cwd })).toMatch(/context: web\n/);
  expect(await berth.ok(["config", "--no-normalize"], { cwd })).not.toContain("networks:");
  expect(await berth.ok(["config", "--no-env-resolution"], { cwd })).toContain("web.env");
  expect(Object.keys(JSON.parse(await berth.ok(["config", "--format", "json", "db"], { cwd })).services)).toEqual(["db"]);
  expect(Object.keys(JSON.parse(await berth.ok(["config", "--format", "json", "admin"], { cwd })).services)).toEqual(["admin"]);
  expect(await berth.ok(["config", "-o", "out.yaml"], { cwd })).toBe("");
  expect(readFileSync(join(cwd, "out.yaml"), "utf8")).toContain("name: shop");
  expect(await berth.ok(["config", "-q"], { cwd })).toBe("");
});

test("says everything that is wrong with a file, as compilers do, and exits as Compose does for bad input", async () => {
  writeFileSync(join(cwd, "wrong.yaml"), "services:\n  web:\n    imge: nginx\n    image: nginx\n    ports: 80\n");
  const answer = await berth.call(["-f", "wrong.yaml", "config"], { cwd });
  expect(answer.exitCode).toBe(14);
  expect(answer.stdout).toBe("");
  expect(answer.stderr.replaceAll(`${cwd}/`, "")).toBe(
    [
      'wrong.yaml:3:5: services.web.imge: there is no attribute "imge" here  [spec/schema]',
      "  3 |     imge: nginx",
      "    |     ^^^^",
      '  Did you mean "image"?',
      "wrong.yaml:5:12: services.web.ports: this takes a list, not the number 80  [spec/schema]",
      "  5 |     ports: 80",
      "    |            ^^",
    ].join("\n"),
  );
});

test("warns, with the place, of what has no effect here", async () => {
  writeFileSync(join(cwd, "swarm.yaml"), "services:\n  web:\n    image: nginx\n    deploy:\n      endpoint_mode: vip\n");
  const answer = await berth.call(["-f", "swarm.yaml", "config"], { cwd });
  expect(answer.exitCode).toBe(0);
  expect(answer.stderr.replaceAll(`${cwd}/`, "")).toContain(
    "swarm.yaml:5:7: services.web.deploy.endpoint_mode: warning: endpoint_mode has no effect: Swarm only\n  5 |       endpoint_mode: vip\n",
  );
});
