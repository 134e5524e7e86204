import type { ContainerStats } from "../../api/index.ts";
import { neverRead, noCpuStats, noStats, type Runtime } from "../../runtime/index.ts";
import type { Containers } from "../containers/containers.ts";
import { type Call, jsonStream, type Route, route, sendJson } from "../http/http.ts";
import { flag } from "../http/query-values.ts";

const everyMs = 1000;

/**
 * GET /containers/{id}/stats. A stream tells at once and then every second, as long as the container is there; its first answer has no sample before it.
 * One answer takes two samples a second apart, unless it is to be one shot.
 */
export function statsRoutes({ containers, runtime }: { containers: Containers; runtime: Runtime }): Route[] {
  const sample = (id: string, before: ContainerStats | undefined): ContainerStats | undefined => {
    const record = containers.find(id);
    if (!record) return undefined;
    const runs = record.State.Running && record.State.Pid > 0;
    const now = runs ? runtime.stats(id, { pid: record.State.Pid, ownNetwork: record.HostConfig.NetworkMode !== "host" }) : noStats();
    return {
      name: record.Name,
      id: record.Id,
      preread: before?.read ?? neverRead,
      precpu_stats: before?.cpu_stats ?? noCpuStats,
      ...now,
    };
  };
  return [
    route("GET", "/containers/{id}/stats", async (call) => {
      const { Id: id } = containers.get(decodeURIComponent(call.params[0] ?? ""));
      if (flag(call.query, "stream", true)) {
        await follow(call, (before) => sample(id, before));
        return;
      }
      const first = sample(id, undefined);
      const single = flag(call.query, "one-shot") || first?.read === neverRead;
      if (!single) await pause(call.signal);
      sendJson(call.response, 200, single ? first : (sample(id, first) ?? first));
    }),
  ];
}

async function follow(call: Call, sample: (before: ContainerStats | undefined) => ContainerStats | undefined): Promise<void> {
  const stream = jsonStream(call.response);
  for (let now = sample(undefined); now && !call.signal.aborted; now = sample(now)) {
    stream.send(now);
    await pause(call.signal);
    // A reader who is behind gets no samples of then, but the next one of now.
    await stream.room();
  }
  stream.end();
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, everyMs);
    signal.addEventListener("abort", done);
  });
}
