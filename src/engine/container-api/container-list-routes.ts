import type { Runtime } from "../../runtime/index.ts";
import { writtenBytes } from "../../runtime/index.ts";
import type { ContainerRecord } from "../containers/container-record.ts";
import type { Containers } from "../containers/containers.ts";
import type { EventBus } from "../event-bus.ts";
import { filters, pruneFilter } from "../http/filters.ts";
import { type Route, route, sendJson } from "../http/http.ts";
import { flag, wholeNumber } from "../http/query-values.ts";
import type { EngineImage } from "../ports.ts";
import { containerFilter, containerFilters } from "./container-filters.ts";
import { containerSummary } from "./container-summary.ts";

export interface ContainerListOptions {
  readonly containers: Containers;
  readonly runtime: Runtime;
  readonly events: EventBus;
  readonly image: (ref: string) => EngineImage | undefined;
  readonly imageBytes: (id: string) => number;
}

/** GET /containers/json and POST /containers/prune. */
export function containerListRoutes(o: ContainerListOptions): Route[] {
  const { containers, runtime, events, image } = o;
  return [
    route("GET", "/containers/json", async (call) => {
      const wanted = filters(call.query, containerFilters);
      const limit = wholeNumber(call.query, "limit") ?? 0;
      const all = flag(call.query, "all") || limit > 0 || (wanted.get("status") ?? []).length > 0;
      const matches = containerFilter(wanted, containers, image);
      const matching = containers
        .list()
        .sort(newestFirst)
        .filter((record) => (all || record.State.Running) && matches(record));
      const list = limit > 0 ? matching.slice(0, limit) : matching;
      const size = flag(call.query, "size");
      sendJson(
        call.response,
        200,
        await Promise.all(
          list.map(async (record) => ({
            ...containerSummary(record, image, call.version),
            ...(size ? listedSizes(await sizes(o, record)) : {}),
          })),
        ),
      );
    }),
    route("POST", "/containers/prune", async (call) => {
      const wanted = filters(call.query, ["label", "label!", "until"]);
      const takes = pruneFilter(wanted);
      const gone: string[] = [];
      let bytes = 0;
      for (const record of containers.list()) {
        if (record.State.Running || record.State.Restarting) continue;
        if (!takes({ labels: record.Config.Labels ?? {}, createdIso: record.Created })) continue;
        bytes += await writtenBytes(runtime.upperDir(record.Id));
        await containers.remove(record.Id, { force: false, volumes: false });
        gone.push(record.Id);
      }
      events.emit("container", "prune", "", { reclaimed: String(bytes) });
      sendJson(call.response, 200, { ContainersDeleted: gone.length > 0 ? gone : null, SpaceReclaimed: bytes });
    }),
  ];
}

/** What the container wrote, and that and its image together. */
export async function sizes({ runtime, imageBytes }: Pick<ContainerListOptions, "runtime" | "imageBytes">, record: ContainerRecord) {
  const SizeRw = await writtenBytes(runtime.upperDir(record.Id));
  return { SizeRw, SizeRootFs: SizeRw + imageBytes(record.Image) };
}

/** In a list nothing is said of a container that has written nothing; an inspection says 0. */
function listedSizes({ SizeRw, SizeRootFs }: { SizeRw: number; SizeRootFs: number }) {
  return { ...(SizeRw > 0 ? { SizeRw } : {}), SizeRootFs };
}

const newestFirst = (a: ContainerRecord, b: ContainerRecord) => (a.Created < b.Created ? 1 : a.Created > b.Created ? -1 : 0);
