import { join } from "node:path";
import type { Runtime } from "../../runtime/index.ts";
import { BerthError } from "../../system/index.ts";
import { containerEvent } from "../containers/container-event.ts";
import type { ContainerRecord } from "../containers/container-record.ts";
import type { Containers } from "../containers/containers.ts";
import type { EventBus } from "../event-bus.ts";
import { type Call, type Route, route, sendEmpty, sendJson } from "../http/http.ts";
import { jsonBody, requiredBody } from "../http/json-body.ts";
import { flag, terminalSize, wholeNumber } from "../http/query-values.ts";
import { attach } from "./attach.ts";
import { webSocketSession } from "./attach-websocket.ts";
import { sizes } from "./container-list-routes.ts";
import { logs } from "./container-logs.ts";
import { processesOf } from "./container-top.ts";
import { inspected } from "./container-view.ts";
import { checkNotEmpty, createBody, updateBody } from "./create-body.ts";
import { checkUpdateBody } from "./update-validation.ts";

export interface ContainerRoutesOptions {
  readonly containers: Containers;
  readonly runtime: Runtime;
  readonly events: EventBus;
  readonly imageBytes: (id: string) => number;
  /** The commands in a container that have not ended; null for none. */
  readonly execIds: (containerId: string) => string[] | null;
}

/** /containers/... of the Docker API. */
export function containerRoutes(o: ContainerRoutesOptions): Route[] {
  const { containers, runtime, events, execIds } = o;
  const ref = (call: Call) => decodeURIComponent(call.params[0] ?? "");
  const places = (record: ContainerRecord) => ({
    lowerDirs: containers.lowerDirs(record),
    upperDir: runtime.upperDir(record.Id),
    workDir: join(runtime.directory(record.Id), "work"),
    mergedDir: runtime.rootfs(record.Id),
  });
  const stopOptions = (call: Call) => {
    const graceS = wholeNumber(call.query, "t");
    const signal = call.query.get("signal");
    return { ...(graceS === undefined ? {} : { graceS }), ...(signal ? { signal } : {}) };
  };
  return [
    route("POST", "/containers/create", async (call) => {
      const body = createBody(await requiredBody(call.request));
      checkNotEmpty(body);
      const platform = call.query.get("platform");
      const options = { apiVersion: call.version, ...(platform ? { platform } : {}) };
      sendJson(call.response, 201, containers.create(call.query.get("name") ?? undefined, body, options));
    }),
    route("GET", "/containers/{id}/json", async (call) => {
      const record = containers.get(ref(call));
      await containers.betweenRuns(record);
      const size = flag(call.query, "size") ? await sizes(o, record) : {};
      sendJson(call.response, 200, { ...inspected(record, places(record)), ExecIDs: execIds(record.Id), ...size });
    }),
    route("POST", "/containers/{id}/update", async (call) => {
      const body = updateBody(await jsonBody<unknown>(call.request));
      checkUpdateBody(body);
      await containers.update(ref(call), body);
      sendJson(call.response, 200, { Warnings: null });
    }),
    route("POST", "/containers/{id}/start", async (call) => {
      if (call.query.get("checkpoint")) throw new BerthError("api/bad-parameter", "checkpoint is only supported in experimental mode");
      // As Docker: `null` and `{}` of old clients are no body, and a configuration would be passed over.
      if (Number(call.request.headers["content-length"] ?? 0) > 7 || call.request.headers["transfer-encoding"] !== undefined)
        throw new BerthError(
          "api/bad-parameter",
          "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
        );
      sendEmpty(call.response, (await containers.start(ref(call))) === "already" ? 304 : 204);
    }),
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
      if (!call.query.get("name")) throw new BerthError("container/bad-config", "Neither old nor new names may be empty");
      containers.rename(ref(call), call.query.get("name") ?? "");
      sendEmpty(call.response, 204);
    }),
    route("DELETE", "/containers/{id}/{alias}", (call) => {
      if (!flag(call.query, "link")) throw new BerthError("container/not-found", `No such container: ${call.params.join("/")}`);
      containers.unlink(ref(call), decodeURIComponent(call.params[1] ?? ""));
      sendEmpty(call.response, 204);
    }),
    route("DELETE", "/containers/{id}", async (call) => {
      if (flag(call.query, "link")) {
        const { Name: name } = containers.get(ref(call));
        throw ref(call).replace(/^\//, "") === name.slice(1)
          ? new BerthError("system/internal", "Conflict, cannot remove the default link name of the container")
          : new BerthError("system/internal", `Cannot get parent / for name ${ref(call)}`);
      }
      await containers.remove(ref(call), { force: flag(call.query, "force"), volumes: flag(call.query, "v") });
      sendEmpty(call.response, 204);
    }),
    route("POST", "/containers/{id}/wait", async (call) => {
      const condition = (call.version >= 1.3 && call.query.get("condition")) || "not-running"; // conditions came with 1.30
      if (!["not-running", "next-exit", "removed"].includes(condition))
        throw new BerthError("api/bad-parameter", `invalid condition: "${condition}"`);
      const waiting = containers.wait(ref(call), condition, call.signal);
      // The client starts the container only when it has seen the head.
      call.response.writeHead(200, { "Content-Type": "application/json" });
      call.response.flushHeaders();
      call.response.end(`${JSON.stringify(await waiting)}\n`);
    }),
    route("POST", "/containers/{id}/resize", (call) => {
      const size = terminalSize(call.query);
      const record = containers.get(ref(call));
      if (!record.State.Running) throw new BerthError("container/not-running", `container ${record.Id} is not running`);
      runtime.resize(record.Id, size);
      containerEvent(events, record, "resize", { height: String(size.h), width: String(size.w) });
      sendEmpty(call.response, 200);
    }),
    route("GET", "/containers/{id}/logs", (call) => logs(call, containers.get(ref(call)), o)),
    route("POST", "/containers/{id}/attach", (call) => {
      const record = containers.get(ref(call));
      if (record.State.Paused)
        throw new BerthError("container/not-running", `container ${ref(call)} is paused, unpause the container before attach`);
      containerEvent(events, record, "attach");
      return attach(call, record, o, undefined, () => containerEvent(events, record, "detach"));
    }),
    route("GET", "/containers/{id}/attach/ws", async (call) => {
      const record = containers.get(ref(call));
      const session = await webSocketSession(call);
      containerEvent(events, record, "attach");
      await attach(call, record, o, session, () => containerEvent(events, record, "detach"));
    }),
    route("GET", "/containers/{id}/top", async (call) => {
      const record = containers.get(ref(call));
      const list = await processesOf(record, runtime, call.query.get("ps_args") || "-ef");
      containerEvent(events, record, "top");
      sendJson(call.response, 200, list);
    }),
  ];
}
