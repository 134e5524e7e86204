import type { Container, ContainerCreateBody } from "../api/index.ts";
import { type LogQuery, type Runtime, readLogs } from "../runtime/index.ts";
import { BerthError, run } from "../system/index.ts";
import { attach } from "./attach.ts";
import type { ContainerRecord } from "./container-record.ts";
import { containerFilters, containerSummary, matchesFilters } from "./container-summary.ts";
import type { Containers } from "./containers.ts";
import { frame } from "./hijack.ts";
import { type Call, filters, flag, jsonBody, type Route, route, sendEmpty, sendJson, timeMs } from "./http.ts";
import type { EngineImage } from "./ports.ts";

export interface ContainerRoutesOptions {
  readonly containers: Containers;
  readonly runtime: Runtime;
  readonly image: (id: string) => EngineImage | undefined;
}

/** /containers/... of the Docker API. */
export function containerRoutes({ containers, runtime, image }: ContainerRoutesOptions): Route[] {
  const ref = (call: Call) => decodeURIComponent(call.params[0] ?? "");
  const number = (call: Call, name: string) => (call.query.has(name) ? Number(call.query.get(name)) : undefined);
  const stopOptions = (call: Call) => {
    const graceS = number(call, "t");
    const signal = call.query.get("signal");
    return { ...(graceS === undefined ? {} : { graceS }), ...(signal ? { signal } : {}) };
  };
  return [
    route("GET", "/containers/json", (call) => {
      const wanted = filters(call.query, containerFilters);
      const all = flag(call.query, "all") || wanted.has("status") || wanted.has("exited");
      const limit = Number(call.query.get("limit") ?? 0);
      const list = containers
        .list()
        .filter((record) => (all || limit > 0 || record.State.Running) && matchesFilters(record, wanted, containers, image))
        .sort((a, b) => (a.Created < b.Created ? 1 : -1));
      sendJson(
        call.response,
        200,
        (limit > 0 ? list.slice(0, limit) : list).map((record) => containerSummary(record, image(record.Image))),
      );
    }),
    route("POST", "/containers/create", async (call) => {
      const body = await jsonBody<ContainerCreateBody>(call.request);
      sendJson(call.response, 201, containers.create(call.query.get("name") ?? undefined, body, call.query.get("platform") ?? undefined));
    }),
    route("POST", "/containers/prune", async (call) => {
      filters(call.query, ["label", "label!", "until"]);
      const gone = containers.list().filter((record) => !record.State.Running);
      for (const record of gone) await containers.remove(record.Id, { force: false, volumes: false });
      sendJson(call.response, 200, { ContainersDeleted: gone.map((record) => record.Id), SpaceReclaimed: 0 });
    }),
    route("GET", "/containers/{id}/json", (call) => sendJson(call.response, 200, inspected(containers.get(ref(call))))),
    route("POST", "/containers/{id}/start", async (call) =>
      sendEmpty(call.response, (await containers.start(ref(call))) === "already" ? 304 : 204),
    ),
    route("POST", "/containers/{id}/stop", async (call) =>
      sendEmpty(call.response, (await containers.stop(ref(call), stopOptions(call))) === "already" ? 304 : 204),
    ),
    route("POST", "/containers/{id}/restart", async (call) => {
      await containers.restart(ref(call), stopOptions(call));
      sendEmpty(call.response, 204);
    }),
    route("POST", "/containers/{id}/kill", async (call) => {
      await containers.kill(ref(call), call.query.get("signal") ?? "SIGKILL");
      sendEmpty(call.response, 204);
    }),
    route("POST", "/containers/{id}/pause", async (call) => {
      await containers.pause(ref(call));
      sendEmpty(call.response, 204);
    }),
    route("POST", "/containers/{id}/unpause", async (call) => {
      await containers.unpause(ref(call));
      sendEmpty(call.response, 204);
    }),
    route("POST", "/containers/{id}/rename", (call) => {
      containers.rename(ref(call), call.query.get("name") ?? "");
      sendEmpty(call.response, 204);
    }),
    route("DELETE", "/containers/{id}", async (call) => {
      await containers.remove(ref(call), { force: flag(call.query, "force"), volumes: flag(call.query, "v") });
      sendEmpty(call.response, 204);
    }),
    route("POST", "/containers/{id}/wait", async (call) => {
      const condition = call.query.get("condition") || "not-running";
      if (!["not-running", "next-exit", "removed"].includes(condition))
        throw new BerthError("api/bad-parameter", `invalid condition: "${condition}"`);
      const waiting = containers.wait(ref(call), condition);
      // The client starts the container only when it has seen the head.
      call.response.writeHead(200, { "Content-Type": "application/json" });
      call.response.flushHeaders();
      call.response.end(`${JSON.stringify({ ...(await waiting), Error: null })}\n`);
    }),
    route("POST", "/containers/{id}/resize", (call) => {
      const record = containers.get(ref(call));
      if (record.State.Running) runtime.resize(record.Id, { w: Number(call.query.get("w")), h: Number(call.query.get("h")) });
      sendEmpty(call.response, 200);
    }),
    route("GET", "/containers/{id}/logs", (call) => logs(call, containers.get(ref(call)), runtime, containers)),
    route("POST", "/containers/{id}/attach", (call) => attach(call, containers.get(ref(call)), { runtime, containers })),
    route("GET", "/containers/{id}/top", async (call) => {
      const record = containers.get(ref(call));
      if (!record.State.Running) throw new BerthError("container/not-running", `container ${record.Id} is not running`);
      sendJson(call.response, 200, await top(record, runtime, call.query.get("ps_args") || "-ef"));
    }),
  ];
}

/** The record as the API shows it: without what only the engine needs. */
export function inspected(record: ContainerRecord): Container {
  const { Berth: _, ...container } = record;
  const first = container.NetworkSettings.Networks["bridge"];
  return {
    ...container,
    NetworkSettings: {
      Bridge: "",
      HairpinMode: false,
      LinkLocalIPv6Address: "",
      LinkLocalIPv6PrefixLen: 0,
      SecondaryIPAddresses: null,
      SecondaryIPv6Addresses: null,
      EndpointID: first?.EndpointID ?? "",
      Gateway: first?.Gateway ?? "",
      GlobalIPv6Address: "",
      GlobalIPv6PrefixLen: 0,
      IPAddress: first?.IPAddress ?? "",
      IPPrefixLen: first?.IPPrefixLen ?? 0,
      IPv6Gateway: "",
      MacAddress: first?.MacAddress ?? "",
      ...container.NetworkSettings,
    } as Container["NetworkSettings"], // the older fields are not in the type
  };
}

async function logs(call: Call, record: ContainerRecord, runtime: Runtime, containers: Containers): Promise<void> {
  const { query } = call;
  const [stdout, stderr] = [flag(query, "stdout"), flag(query, "stderr")];
  if (!stdout && !stderr) throw new BerthError("api/bad-parameter", "Bad parameters: you must choose at least one stream");
  if (record.HostConfig.LogConfig?.Type === "none")
    throw new BerthError("api/not-implemented", "configured logging driver does not support reading");
  const tty = record.Config.Tty === true;
  const [sinceMs, untilMs] = [timeMs(query.get("since")), timeMs(query.get("until"))];
  const tailText = query.get("tail") ?? "all";
  const logQuery: LogQuery = {
    stdout,
    stderr,
    follow: flag(query, "follow"),
    ...(/^\d+$/.test(tailText) ? { tail: Number(tailText) } : {}),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
    ended: () => !containers.find(record.Id)?.State.Running,
    wake: containers.wait(record.Id, "not-running"),
    signal: call.signal,
  };
  call.response.writeHead(200, { "Content-Type": tty ? "application/vnd.docker.raw-stream" : "application/vnd.docker.multiplexed-stream" });
  call.response.flushHeaders();
  const timestamps = flag(query, "timestamps");
  for await (const entry of readLogs(runtime.logPath(record.Id), logQuery, tty && !timestamps)) {
    const data = timestamps ? Buffer.concat([Buffer.from(`${entry.time} `), entry.data]) : entry.data;
    if (!call.response.write(tty ? data : frame(entry.stream, data)))
      await new Promise((resolve) => {
        call.response.once("drain", resolve);
        call.response.once("close", resolve);
      });
    if (call.signal.aborted) return;
  }
  call.response.end();
}

/** `ps` of this host, cut to the container's processes. */
async function top(record: Container, runtime: Runtime, psArgs: string): Promise<{ Titles: string[]; Processes: string[][] }> {
  const pids = new Set(runtime.pids(record.Id));
  const { stdout } = await run("ps", psArgs.split(/\s+/).filter(Boolean));
  const [head = "", ...lines] = stdout.trimEnd().split("\n");
  const titles = head.trim().split(/\s+/);
  const pidAt = titles.indexOf("PID");
  if (pidAt < 0) throw new BerthError("api/bad-parameter", "Couldn't find PID field in ps output");
  const rows = lines.map((line) => {
    const words = line.trim().split(/\s+/);
    return [...words.slice(0, titles.length - 1), words.slice(titles.length - 1).join(" ")];
  });
  return { Titles: titles, Processes: rows.filter((row) => pids.has(Number(row[pidAt]))) };
}
