// Lets V8 compile, once and for all, what the usual commands of a bundle run (bin/compiled-bundle.js keeps it): they are run for that against answers as an engine gives them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Code that is compiled later than this is compiled in each run: what is loaded without being run costs time, too. */
const commands = [
  ["config", "-q"],
  ["config"],
  ["up", "-d"],
  ["down"],
  ["ps"],
  ["logs"],
  ["docker", "ps"],
  ["docker", "run", "--rm", "busybox", "true"],
];

const project = `
services:
  web:
    build: .
    command: ["serve", "--port", "80"]
    ports: ["127.0.0.1:8080:80", "9000"]
    environment: { A: "1", B: "\${HOME:-x}" }
    depends_on: { db: { condition: service_healthy } }
    volumes: ["./src:/src:ro", "data:/data"]
    networks: [front]
    restart: unless-stopped
  db:
    image: postgres:16
    environment:
      - PASSWORD=x
    healthcheck: { test: ["CMD", "true"], interval: 5s }
    deploy: { resources: { limits: { memory: 64m } } }
networks: { front: {} }
volumes: { data: {} }
`;

/** Runs the commands, each of which adds to the code that is kept. */
export async function learnCompiledCode(root, bundle) {
  const directory = await mkdtemp(join(tmpdir(), "berth-build-"));
  const engine = createServer(answer).on("upgrade", (_, socket) =>
    socket.end("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"),
  );
  try {
    await writeFile(join(directory, "compose.yaml"), project);
    engine.listen(join(directory, "engine.sock"));
    await once(engine, "listening");
    for (const command of commands) await run(root, bundle, command, directory);
  } finally {
    engine.close();
    await rm(directory, { recursive: true, force: true });
  }
  const found = (await readdir(join(root, "dist"))).some((name) => name.endsWith(".code"));
  if (!found) process.stderr.write("The command line's compiled code was not kept; it will start slower.\n");
}

async function run(root, bundle, args, directory) {
  const learn = "const [launcher, bundle, kind] = process.argv.splice(1, 3, 'berth'); require(launcher).run(bundle, kind, true);";
  const child = spawn(
    process.execPath,
    ["-e", learn, "--", join(root, "bin/compiled-bundle.js"), bundle, args[0] === "docker" ? "docker" : "compose", ...args],
    {
      cwd: directory,
      env: { PATH: process.env.PATH, HOME: directory, BERTH_ROOT: directory, BERTH_RUN: directory },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const [said, [code]] = await Promise.all([child.stderr.setEncoding("utf8").toArray(), once(child, "exit")]);
  if (code !== 0) throw new Error(`\`berth ${args.join(" ")}\` ended with ${code}: ${said.join("")}`);
}

/** One container, events of a change, and what `docker run` asks for. */
function answer(request, response) {
  const { pathname } = new URL(request.url, "http://engine");
  const route = `${request.method} ${pathname}`;
  request.resume();
  if (/^(PUT|POST|DELETE) \/projects\//.test(route)) response.end(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  else if (/\/(start|stop)$/.test(route)) response.writeHead(204).end();
  else response.end(JSON.stringify(objects[route] ?? objects[pathname.split("/").at(-1)] ?? {}));
}

const events = [
  { type: "step", id: "Network p_front", status: "creating", done: false, timeMs: 0 },
  { type: "step", id: "Network p_front", status: "created", done: true, timeMs: 1 },
  { type: "result", ok: true },
];

const objects = {
  "GET /projects": [],
  "GET /containers/json": [
    {
      Id: "0".repeat(64),
      Names: ["/p-web-1"],
      Image: "busybox",
      ImageID: `sha256:${"0".repeat(64)}`,
      Command: "sleep 1000",
      Created: 1_700_000_000,
      Ports: [{ IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" }],
      Labels: { "com.docker.compose.project": "p", "com.docker.compose.service": "web", "com.docker.compose.container-number": "1" },
      State: "running",
      Status: "Up 1 second",
      HostConfig: { NetworkMode: "p_front" },
      NetworkSettings: { Networks: { p_front: {} } },
      Mounts: [],
    },
  ],
  "POST /containers/create": { Id: "0".repeat(64), Warnings: [] },
  wait: { StatusCode: 0 },
};
