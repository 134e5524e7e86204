import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, expect, test } from "vitest";
import { parseDockerfile } from "../../build/dockerfile/parse-dockerfile.ts";
import { loadProject } from "../../spec/index.ts";
import { initPlan } from "./init-files.ts";
import { knownServices } from "./known-services.ts";
import type { ProjectFiles } from "./stack.ts";

const root = mkdtempSync(join(tmpdir(), "berth-init-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const view = (files: Readonly<Record<string, string>>): ProjectFiles => ({
  has: (path) => path in files,
  read: (path) => files[path] ?? "",
  list: (directory) => Object.keys(files).flatMap((path) => (path.startsWith(`${directory}/`) ? [path.split("/")[1] ?? ""] : [])),
});

/** The plan for these files, written out and loaded as `berth up` loads it. */
async function initiated(files: Record<string, string>, asked: string[] = []) {
  const plan = initPlan(view(files), asked);
  if (!plan) throw new Error("nothing was found");
  const directory = mkdtempSync(join(root, "p-"));
  for (const [path, content] of [...Object.entries(files), ...plan.files.map(({ path, content }) => [path, content] as const)]) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  const { project, warnings } = await loadProject({ cwd: directory, env: {}, stdin: () => Readable.from([]) });
  const dockerfile = plan.files.find(({ path }) => path === "Dockerfile")?.content;
  return {
    plan,
    directory,
    project,
    warnings,
    dockerfile,
    stages: dockerfile === undefined ? undefined : parseDockerfile(dockerfile, "Dockerfile"),
  };
}

const packageJson = JSON.stringify({ scripts: { dev: "node --watch server.js" }, dependencies: { pg: "8", ioredis: "5" } });

test.each([
  ["Node.js", { "package.json": packageJson, "package-lock.json": "{}" }, ["postgres", "redis"], /npm ci[\s\S]*CMD \["npm","run","dev"\]/],
  ["Node.js", { "package.json": "{}", "yarn.lock": "", "server.js": "" }, [], /yarn install[\s\S]*CMD \["node","--watch","server.js"\]/],
  ["Python", { "requirements.txt": "fastapi\nuvicorn\npsycopg2-binary\n", "main.py": "" }, ["postgres"], /CMD \["uvicorn","main:app"/],
  ["Python", { "requirements.txt": "Flask==3\n", "app.py": "" }, [], /CMD \["flask","--app","app"/],
  [
    "Python",
    { "pyproject.toml": '[project]\nname = "x"\ndependencies = ["flask"]\n', "uv.lock": "", "app.py": "" },
    [],
    /COPY pyproject.toml uv.lock \.\/\nRUN uv sync --frozen[\s\S]*CMD \["flask"/,
  ],
  [
    "Python",
    { "pyproject.toml": '[tool.poetry.dependencies]\nfastapi = "*"\nasyncpg = "*"\n', "poetry.lock": "", "main.py": "" },
    ["postgres"],
    /COPY pyproject.toml poetry.lock \.\/\nRUN poetry install --no-root[\s\S]*CMD \["uvicorn"/,
  ],
  [
    "Node.js",
    { "package.json": "{}", "pnpm-lock.yaml": "", "pnpm-workspace.yaml": "" },
    [],
    /pnpm-lock.yaml pnpm-workspace.yaml \.\/\nRUN .*pnpm install/,
  ],
  ["Node.js", { "package.json": '{"dependencies": {"pg": "8", "mysql2": "3"}}' }, ["mysql", "postgres"], /npm install/],
  ["Python", { "manage.py": "", "requirements.txt": "django\n" }, [], /runserver/],
  [
    "Go",
    { "go.mod": "module x\n\ngo 1.24\n\nrequire github.com/nats-io/nats.go v1\n", "cmd/api/main.go": "" },
    ["nats"],
    /golang:1\.24[\s\S]*\.\/cmd\/api/,
  ],
  [
    "Ruby on Rails",
    { Gemfile: 'ruby "3.3.1"\ngem "rails"\ngem "mysql2"\n', "package.json": "{}" },
    ["mysql"],
    /ruby:3\.3-slim[\s\S]*libmysqlclient/,
  ],
  [
    "PHP",
    { "composer.json": '{"require": {"predis/predis": "*"}}', artisan: "", "public/index.php": "" },
    ["redis"],
    /unzip[\s\S]*artisan/,
  ],
  ["PHP", { "index.php": "" }, [], /CMD \["php","-S"/],
] as [string, Record<string, string>, string[], RegExp][])("%s in %j", async (language, files, services, expected) => {
  const { plan, project, warnings, dockerfile } = await initiated(files);
  expect(plan.found).toBe([language, ...services].join(", "));
  expect(dockerfile).toMatch(expected);
  expect(warnings).toEqual([]);
  expect(Object.keys(project.services).sort()).toEqual(["app", ...services]);
  expect(project.services["app"]?.develop?.watch.length).toBeGreaterThan(0);
  expect(Object.values(project.services["app"]?.depends_on ?? {}).every(({ condition }) => condition === "service_healthy")).toBe(true);
  expect(plan.files.map(({ path }) => path)).toEqual(["compose.yaml", "Dockerfile", ".dockerignore"]);
});

test("well-known services load, have a check of their health and a volume, and listen on loopback only", async () => {
  const { project, plan } = await initiated({}, Object.keys(knownServices));
  expect(plan.files.map(({ path }) => path)).toEqual(["compose.yaml"]);
  for (const [name, service] of Object.entries(project.services)) {
    expect(service.healthcheck?.test?.length, name).toBeGreaterThan(1);
    expect(
      service.ports?.map((port) => port.host_ip),
      name,
    ).toEqual(service.ports?.map(() => "127.0.0.1"));
    expect(Object.keys(project.volumes), name).toContain(service.volumes?.[0]?.source);
  }
});

test("files that are there are kept, and nothing is made of nothing", () => {
  const plan = initPlan(view({ "package.json": "{}", Dockerfile: "FROM mine" }), []);
  expect([plan?.kept, plan?.files.map(({ path }) => path)]).toEqual([["Dockerfile"], ["compose.yaml", ".dockerignore"]]);
  expect(initPlan(view({ "README.md": "" }), [])).toBeUndefined();
});
