import { randomBytes } from "node:crypto";
import type { Volume, VolumeCreateBody } from "../api/index.ts";
import { type Volumes, writtenBytes } from "../runtime/index.ts";
import { BerthError } from "../system/index.ts";
import type { Containers } from "./containers.ts";
import type { EventBus } from "./event-bus.ts";
import { type Call, filters, flag, jsonBody, labelsMatch, pruneMatches, type Route, route, sendEmpty, sendJson } from "./http.ts";

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
      for (const value of wanted.get("dangling") ?? [])
        if (!["true", "false", "1", "0"].includes(value)) throw new BerthError("api/bad-parameter", `invalid filter 'dangling=[${value}]'`);
      const any = (key: string, test: (value: string) => boolean) => !wanted.has(key) || (wanted.get(key) ?? []).some(test);
      const list = volumes
        .list()
        .filter(
          (volume) =>
            any("name", (value) => volume.Name.includes(value)) &&
            any("driver", (value) => volume.Driver === value) &&
            any("dangling", (value) => (value === "true" || value === "1") === (containers.volumeUsers(volume.Name).length === 0)) &&
            labelsMatch(wanted.get("label"), volume.Labels),
        );
      sendJson(call.response, 200, { Volumes: list, Warnings: [] });
    }),
    route("POST", "/volumes/create", async (call) => {
      const body = await jsonBody<VolumeCreateBody>(call.request);
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
      sendJson(call.response, 201, volume);
    }),
    route("POST", "/volumes/prune", async (call) => {
      const wanted = filters(call.query, ["label", "label!", "all"]);
      // Before 1.42 every unused volume went; since then only the anonymous ones, unless all are asked for.
      const all = call.version < 1.42 || ["1", "true"].includes(wanted.get("all")?.[0]?.toLowerCase() ?? "");
      const gone: string[] = [];
      let bytes = 0;
      for (const volume of volumes.list()) {
        if (!all && volume.Labels["com.docker.volume.anonymous"] === undefined) continue;
        if (containers.volumeUsers(volume.Name).length > 0) continue;
        if (!pruneMatches(wanted, { labels: volume.Labels, createdIso: volume.CreatedAt })) continue;
        bytes += await writtenBytes(volume.Mountpoint);
        await remove(volume);
        gone.push(volume.Name);
      }
      events.emit("volume", "prune", "", { reclaimed: String(bytes) });
      sendJson(call.response, 200, { VolumesDeleted: gone, SpaceReclaimed: bytes });
    }),
    route("GET", "/volumes/{name}", (call) => sendJson(call.response, 200, volumes.get(ref(call)))),
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
