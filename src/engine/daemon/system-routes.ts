import { setTimeout } from "node:timers/promises";
import type { DockerEvent } from "../../api/index.ts";
import { BerthError, type BerthPaths, type Host } from "../../system/index.ts";
import type { Containers } from "../containers/containers.ts";
import type { EventBus } from "../event-bus.ts";
import { eventMatches } from "../event-filter.ts";
import { filters } from "../http/filters.ts";
import { jsonStream, type Route, route, sendJson } from "../http/http.ts";
import { unixMs } from "../http/query-values.ts";
import { systemInfo } from "./system-info.ts";
import { apiVersion, minimumApiVersion, version } from "./version.ts";

/** /_ping, /version, /info, /events, and what an engine outside a swarm answers. */
export function systemRoutes(o: {
  paths: BerthPaths;
  host: Host;
  containers: Containers;
  events: EventBus;
  imageCount: () => number;
  warnings: readonly string[];
  startedAt: string;
  stop: () => void;
}): Route[] {
  const ping = route("GET", "/_ping", ({ response }) => {
    response.writeHead(200, {
      "Content-Type": "text/plain; charset=utf-8",
      "Content-Length": 2,
      "Builder-Version": "2",
      Swarm: "inactive",
      "Cache-Control": "no-cache, no-store, must-revalidate",
      Pragma: "no-cache",
    });
    response.end("OK");
  });
  return [
    ping,
    { ...ping, method: "HEAD" },
    route("GET", "/version", ({ response }) =>
      sendJson(response, 200, {
        Platform: { Name: "Berth" },
        Components: [
          {
            Name: "Engine",
            Version: version,
            Details: {
              ApiVersion: apiVersion,
              MinAPIVersion: minimumApiVersion,
              Os: "linux",
              Arch: o.host.architecture,
              KernelVersion: o.host.kernel,
              GitCommit: "",
              GoVersion: "",
              BuildTime: "",
              Experimental: "false",
            },
          },
        ],
        Version: version,
        ApiVersion: apiVersion,
        MinAPIVersion: minimumApiVersion,
        GitCommit: "",
        GoVersion: "",
        Os: "linux",
        Arch: o.host.architecture,
        KernelVersion: o.host.kernel,
        BuildTime: "",
      }),
    ),
    route("GET", "/info", ({ response }) =>
      sendJson(response, 200, systemInfo({ ...o, images: o.imageCount(), listeners: o.events.listeners })),
    ),
    route("GET", "/events", async (call) => {
      const [since, until] = [call.query.get("since"), call.query.get("until")];
      const [sinceMs, untilMs] = [unixMs(since), unixMs(until)];
      if (untilMs !== undefined && untilMs < (sinceMs ?? Number.NEGATIVE_INFINITY))
        throw new BerthError("api/bad-parameter", `\`since\` time (${since}) cannot be after \`until\` time (${until})`);
      const wanted = filters(call.query); // what no event has matches none
      const stream = jsonStream(call.response);
      const send = (event: DockerEvent) => {
        const at = event.timeNano / 1e6;
        // An image that is made is told since 1.46.
        if (call.version < 1.46 && event.Type === "image" && event.Action === "create") return;
        if (!eventMatches(event, wanted) || (untilMs !== undefined && at > untilMs)) return;
        const legacy =
          event.Type === "container" || event.Type === "image"
            ? {
                status: event.Action,
                ...(event.Actor.ID ? { id: event.Actor.ID } : {}),
                ...(event.Type === "container" && event.Actor.Attributes["image"] ? { from: event.Actor.Attributes["image"] } : {}),
              }
            : {};
        stream.send({ ...legacy, ...event });
        // Docker drops what its reader does not take; here he sees that something is missing, and can ask for it with `since`.
        if (call.response.writableLength > maxBehind) call.response.destroy();
      };
      const { past, stop } = o.events.subscribe(send);
      if (sinceMs !== undefined) for (const event of past) if (event.timeNano / 1e6 >= sinceMs) send(event);
      await endOf(call.signal, untilMs);
      stop();
      stream.end();
    }),
    route("POST", "/engine/stop", ({ response }) => {
      sendJson(response, 200, { Stopping: true });
      o.stop();
    }),
    route("GET", "/engine", ({ response }) =>
      sendJson(response, 200, {
        Pid: process.pid,
        Version: version,
        StartedAt: o.startedAt,
        Root: o.paths.root,
        Run: o.paths.run,
        Running: o.containers.running().length,
        Warnings: o.warnings,
        MemoryBytes: process.memoryUsage().rss,
      }),
    ),
  ];
}

/** Bytes of events that are kept for a reader who does not take them: tens of thousands of events. */
const maxBehind = 16 * 1024 * 1024;

/** setTimeout takes no more. */
const longestMs = 2 ** 31 - 1;

/** Until the client goes away, or the time has come. */
async function endOf(signal: AbortSignal, untilMs: number | undefined): Promise<void> {
  do {
    const leftMs = untilMs === undefined ? longestMs : Math.max(0, untilMs - Date.now());
    try {
      await setTimeout(Math.min(leftMs, longestMs), undefined, { signal });
    } catch {
      return; // the client has gone
    }
  } while (untilMs === undefined || untilMs > Date.now());
}
