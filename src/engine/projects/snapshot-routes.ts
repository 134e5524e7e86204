import type { SnapshotRequest } from "../../api/index.ts";
import type { VolumeSnapshots } from "../../runtime/index.ts";
import { label, Progress, type Tell } from "../../scheduler/index.ts";
import { BerthError } from "../../system/index.ts";
import { type Route, route, sendEmpty, sendJson } from "../http/http.ts";
import { jsonBody } from "../http/json-body.ts";
import { projectNameOf, stream } from "./project-routes.ts";
import type { Projects } from "./projects.ts";

/** /projects/{name}/snapshots: copies of a project's named volumes, and the way back to them. */
export function snapshotRoutes(projects: Projects, snapshots: VolumeSnapshots): Route[] {
  const copy = (name: string, tell: Tell, id: string, words: readonly [string, string], work: () => Promise<unknown>) =>
    new Progress(tell, () => projects.backend.nowMs()).around(`Snapshot ${name}/${id}`, words, work);
  return [
    route("GET", "/projects/{name}/snapshots", (call) => sendJson(call.response, 200, snapshots.list(projectNameOf(call)))),
    route("POST", "/projects/{name}/snapshots", async (call) => {
      const request = await jsonBody<SnapshotRequest>(call.request);
      const name = projectNameOf(call);
      const volumes = volumesOf(projects, name, request.volumes ?? []);
      const id = request.name ?? defaultName(new Date());
      await stream(projects, call, (tell) =>
        projects
          .controller(name)
          .whileStopped(volumes, tell, () => copy(name, tell, id, ["copying", "copied"], () => snapshots.take(name, id, volumes))),
      );
    }),
    route("POST", "/projects/{name}/snapshots/restore", async (call) => {
      const request = await jsonBody<SnapshotRequest>(call.request);
      const name = projectNameOf(call);
      const snapshot = snapshots.get(name, request.name);
      const volumes = snapshot.volumes.map((volume) => volume.name);
      await stream(projects, call, (tell) =>
        projects
          .controller(name)
          .whileStopped(volumes, tell, () => copy(name, tell, snapshot.name, ["restoring", "restored"], () => snapshots.restore(snapshot))),
      );
    }),
    route("DELETE", "/projects/{name}/snapshots/{snapshot}", (call) => {
      snapshots.remove(projectNameOf(call), decodeURIComponent(call.params[1] ?? ""));
      sendEmpty(call.response, 204);
    }),
  ];
}

/** The project's named volumes, by their own names or by those that the file gives them. */
function volumesOf(projects: Projects, project: string, wanted: readonly string[]): string[] {
  const all = projects.backend.volumes
    .list()
    .filter(({ Labels: labels }) => labels[label.project] === project && labels["com.docker.volume.anonymous"] === undefined);
  const known = new Map(
    all.flatMap((volume) => [
      [volume.Name, volume.Name],
      [volume.Labels[label.volume] ?? "", volume.Name],
    ]),
  );
  const unknown = wanted.find((name) => !known.has(name));
  if (unknown !== undefined || all.length === 0)
    throw new BerthError(
      "volume/not-found",
      unknown === undefined ? `project ${project} has no named volumes` : `project ${project} has no volume "${unknown}"`,
      { hint: all.length === 0 ? "`berth up` makes those of the file." : `It has: ${all.map((volume) => volume.Name).join(", ")}.` },
    );
  return wanted.length > 0 ? wanted.flatMap((name) => known.get(name) ?? []) : all.map((volume) => volume.Name);
}

/** "2026-01-31T12.00.05" */
const defaultName = (now: Date): string => now.toISOString().slice(0, 19).replaceAll(":", ".");
