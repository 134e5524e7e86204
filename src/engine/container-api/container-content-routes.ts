import { readdirSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { ContainerConfig } from "../../api/index.ts";
import { configWithChanges } from "../../build/index.ts";
import { type ImageStore, parseReference } from "../../image/index.ts";
import { pathChanges, RootDirectory, type Runtime } from "../../runtime/index.ts";
import { BerthError } from "../../system/index.ts";
import { directoryArchive } from "../archive/read-archive.ts";
import { containerEvent } from "../containers/container-event.ts";
import type { ContainerRecord } from "../containers/container-record.ts";
import type { Containers } from "../containers/containers.ts";
import type { EventBus } from "../event-bus.ts";
import { type Call, type Route, route, sendJson, sendStream } from "../http/http.ts";
import { jsonBody } from "../http/json-body.ts";
import { flag } from "../http/query-values.ts";
import { createBody } from "./create-body.ts";

export interface ContainerContentOptions {
  readonly containers: Containers;
  readonly runtime: Runtime;
  readonly images: ImageStore;
  readonly events: EventBus;
}

/** What a container's own file system holds, without its volumes: export, changes, commit. */
export function containerContentRoutes(o: ContainerContentOptions): Route[] {
  const asked = (call: Call) => o.containers.get(decodeURIComponent(call.params[0] ?? ""));
  return [
    route("GET", "/containers/{id}/export", async (call) => {
      const record = asked(call);
      call.response.setHeader("Content-Type", "application/octet-stream");
      containerEvent(o.events, record, "export");
      await o.containers.withOwnRoot(record.Id, async (path) => {
        using root = new RootDirectory(path);
        using top = root.directory("/");
        await sendStream(call, directoryArchive(top, ""));
      });
    }),
    route("GET", "/containers/{id}/changes", async (call) => {
      const record = asked(call);
      const changes = await pathChanges(o.runtime.upperDir(record.Id), o.containers.lowerDirs(record));
      sendJson(call.response, 200, changes.length > 0 ? changes : null);
    }),
    route("POST", "/commit", (call) => commit(call, o)),
  ];
}

async function commit(call: Call, { containers, runtime, images, events }: ContainerContentOptions): Promise<void> {
  const { query } = call;
  const body: ContainerConfig = createBody(await jsonBody<unknown>(call.request));
  const [repo, tag] = [query.get("repo"), query.get("tag")];
  const name = repo ? parseReference(tag ? `${repo}:${tag}` : repo) : undefined;
  if (name?.digest) throw new BerthError("api/bad-parameter", "cannot import digest reference");
  const record = containers.get(query.get("container") ?? "");
  const changes = query.getAll("changes").flatMap((text) => text.split("\n").filter((line) => line.trim()));
  const config = imageFields(configWithChanges(withoutEmpty(record.Config, body), changes));
  const pauses = flag(query, "pause", true) && (await paused(containers, record));
  try {
    // What has changed nothing adds no layer.
    const written = readdirSync(runtime.upperDir(record.Id)).length > 0;
    const layer = await images.transferring(async () =>
      !written
        ? undefined
        : images.addLayer({
            parent: record.Berth.chainIds.at(-1),
            input: images.diffTar(runtime.upperDir(record.Id)),
            signal: call.signal,
          }),
    );
    const base = record.Berth.imageConfig;
    const created = new Date().toISOString();
    const [author, comment] = [query.get("author") ?? "", query.get("comment") ?? ""];
    const id = images.createImage({
      config: {
        ...base,
        parent: record.Image,
        created,
        ...(author ? { author } : {}),
        config,
        rootfs: { type: "layers", diff_ids: [...base.rootfs.diff_ids, ...(layer ? [layer.diffId] : [])] },
        history: [
          ...(base.history ?? []),
          {
            created,
            created_by: [record.Path, ...record.Args].join(" "),
            ...(author ? { author } : {}),
            ...(comment ? { comment } : {}),
            ...(layer ? {} : { empty_layer: true }),
          },
        ],
      },
    });
    events.emit("image", "create", id, { ...config.Labels, name: id });
    if (repo) images.tag(id, tag ? `${repo}:${tag}` : repo);
    containerEvent(events, record, "commit", { comment, imageID: id, imageRef: repo ? `${repo}:${tag || "latest"}` : "" });
    sendJson(call.response, 201, { Id: id });
  } finally {
    if (pauses && containers.find(record.Id)?.State.Paused) await containers.unpause(record.Id);
  }
}

const endMs = 2_000;

/** Stops a running container's processes for the copy. False where there is nothing to stop: it does not run, or has ended just now. */
async function paused(containers: Containers, { Id: id, State: state }: ContainerRecord): Promise<boolean> {
  if (!state.Running || state.Paused || state.Restarting) return false;
  try {
    await containers.pause(id);
    return true;
  } catch (error) {
    // Its end may be told a moment later than it came.
    const ended = await Promise.race([
      containers.wait(id, "not-running", AbortSignal.timeout(endMs)).then(() => true),
      setTimeout(endMs, false),
    ]);
    if (!ended) throw error;
    return false;
  }
}

/** What of a configuration is an image's (image-spec config.md, and Docker's own fields): a container's name or its streams are not. */
function imageFields(config: ContainerConfig): ContainerConfig {
  const kept = ["User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal"];
  const own = ["Healthcheck", "OnBuild", "Shell"];
  return Object.fromEntries(Object.entries(config).filter(([key]) => kept.includes(key) || own.includes(key)));
}

/** The container's configuration with what the body sets; empty fields of a body ask for nothing (Docker's `runconfig.Merge`). */
function withoutEmpty(base: ContainerConfig, over: ContainerConfig): ContainerConfig {
  const isEmpty = (value: unknown) =>
    value === null ||
    value === undefined ||
    value === "" ||
    value === false ||
    (typeof value === "object" && Object.keys(value).length === 0);
  const given = Object.fromEntries(Object.entries(over).filter(([, value]) => !isEmpty(value)));
  const env = new Map([...(base.Env ?? []), ...(over.Env ?? [])].map((line) => [line.split("=", 1)[0] ?? "", line]));
  return {
    ...base,
    ...given,
    Env: [...env.values()],
    Labels: { ...base.Labels, ...over.Labels },
    ExposedPorts: { ...base.ExposedPorts, ...over.ExposedPorts },
    Volumes: { ...base.Volumes, ...over.Volumes },
  };
}
