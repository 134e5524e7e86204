import { randomBytes } from "node:crypto";
import { goBoolFault, parseGoBool, type Volume, type VolumeCreateBody } from "../api/index.ts";
import { type Volumes, writtenBytes } from "../runtime/index.ts";
import { BerthError } from "../system/index.ts";
import type { Containers } from "./containers/containers.ts";
import type { EventBus } from "./event-bus.ts";
import { type Shape, shaped } from "./http/body-shape.ts";
import { anyOf, type Filters, filters, labelsMatch, nameIs, pruneFilter, yesOrNo } from "./http/filters.ts";
import { type Call, type Route, route, sendEmpty, sendJson } from "./http/http.ts";
import { jsonBody } from "./http/json-body.ts";
import { flag } from "./http/query-values.ts";

const shape: Shape = { Name: "string", Driver: "string", DriverOpts: "texts", Labels: "texts" };

/** /volumes/... */
export function volumeRoutes({ volumes, containers, events }: { volumes: Volumes; containers: Containers; events: EventBus }): Route[] {
  const ref = (call: Call) => decodeURIComponent(call.params[0] ?? "");
  const remove = async (volume: Volume) => {
    await volumes.remove(volume.Name);
    events.emit("volume", "destroy", volume.Name, { driver: volume.Driver });
  };
  return [
    route("GET", "/volumes", (call) => {
      const wanted = filters(call.query, ["dangling", "driver", "label", "name"]);
      const dangling = yesOrNo(wanted, "dangling");
      const list = volumes
        .list()
        .filter(
          (volume) =>
            nameIs(wanted, "name", volume.Name) &&
            anyOf(wanted, "driver", (value) => volume.Driver === value) &&
            (dangling === undefined || dangling === (containers.volumeUsers(volume.Name).length === 0)) &&
            labelsMatch(wanted.get("label"), volume.Labels),
        );
      sendJson(call.response, 200, { Volumes: list.map(shownVolume), Warnings: null });
    }),
    route("POST", "/volumes/create", async (call) => {
      const body: VolumeCreateBody = shaped(await jsonBody<unknown>(call.request), shape, {
        go: "volume.CreateOptions",
        at: "CreateOptions",
      });
      if (body.ClusterVolumeSpec)
        throw new BerthError(
          "api/unavailable",
          'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
        );
      const isNew = !volumes.find(body.Name ?? "");
      const volume = volumes.create(
        body.Name || randomBytes(32).toString("hex"),
        body.Name ? body : { ...body, Labels: { ...body.Labels, "com.docker.volume.anonymous": "" } },
      );
      if (isNew) events.emit("volume", "create", volume.Name, { driver: volume.Driver });
      sendJson(call.response, 201, shownVolume(volume));
    }),
    route("POST", "/volumes/prune", async (call) => {
      const wanted = filters(call.query, ["label", "label!", "all"]);
      // Before 1.42 every unused volume went; since then only the anonymous ones, unless all are asked for.
      const all = call.version < 1.42 || wantsAll(wanted);
      const takes = pruneFilter(wanted);
      const gone: string[] = [];
      let bytes = 0;
      for (const volume of volumes.list()) {
        // What has options was set up by somebody (moby, volume/service: PruneVolumes).
        if (Object.keys(volume.Options ?? {}).length > 0) continue;
        if (!all && volume.Labels["com.docker.volume.anonymous"] === undefined) continue;
        if (containers.volumeUsers(volume.Name).length > 0) continue;
        if (!takes({ labels: volume.Labels, createdIso: volume.CreatedAt })) continue;
        bytes += await writtenBytes(volume.Mountpoint);
        await remove(volume);
        gone.push(volume.Name);
      }
      events.emit("volume", "prune", "", { reclaimed: String(bytes) });
      sendJson(call.response, 200, { VolumesDeleted: gone, SpaceReclaimed: bytes });
    }),
    route("GET", "/volumes/{name}", (call) => sendJson(call.response, 200, shownVolume(volumes.get(ref(call))))),
    route("DELETE", "/volumes/{name}", async (call) => {
      const volume = volumes.find(ref(call));
      if (!volume) {
        if (flag(call.query, "force")) return sendEmpty(call.response, 204);
        throw new BerthError("volume/not-found", `get ${ref(call)}: no such volume`);
      }
      const users = containers.volumeUsers(volume.Name);
      if (users.length > 0)
        throw new BerthError("volume/in-use", `remove ${volume.Name}: volume is in use - [${users.map((user) => user.Id).join(", ")}]`);
      await remove(volume);
      sendEmpty(call.response, 204);
    }),
    route("PUT", "/volumes/{name}", () => {
      throw new BerthError("api/unavailable", "volume update only valid for cluster volumes, but swarm is unavailable");
    }),
  ];
}

/** @throws BerthError api/bad-parameter */
function wantsAll(wanted: Filters): boolean {
  const values = wanted.get("all");
  if (!values) return false;
  if (values.length !== 1)
    throw new BerthError("api/bad-parameter", `invalid filter 'all=[${values.join(" ")}]': only one value is expected`);
  const [value = ""] = values;
  const all = parseGoBool(value);
  if (all === undefined) throw new BerthError("api/bad-parameter", `invalid filter 'all': ${goBoolFault(value)}`);
  return all;
}

/** A volume on the wire: no labels are null there. */
export function shownVolume(volume: Volume) {
  const { CreatedAt, Driver, Labels, Mountpoint, Name, Options, Scope, ...more } = volume;
  // In Docker's order, which clients show.
  return { CreatedAt, Driver, Labels: Object.keys(Labels).length > 0 ? Labels : null, Mountpoint, Name, Options, Scope, ...more };
}
