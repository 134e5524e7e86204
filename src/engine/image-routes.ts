import type { Readable } from "node:stream";
import {
  bootstrap,
  familiarName,
  familiarRepository,
  type ImageStore,
  importRootfs,
  loadArchive,
  parseReference,
  type StoredImage,
} from "../image/index.ts";
import { BerthError, messageOf } from "../system/index.ts";
import type { Containers } from "./containers.ts";
import type { EventBus } from "./event-bus.ts";
import { type Call, filters, flag, jsonStream, labelsMatch, type Route, route, sendEmpty, sendJson } from "./http.ts";

/** /images/... of the Docker API, and POST /images/bootstrap of our own. */
export function imageRoutes({ images, containers, events }: { images: ImageStore; containers: Containers; events: EventBus }): Route[] {
  images.onChange(({ action, id, name }) => events.emit("image", action, id, { name: name ?? id }));
  const ref = (call: Call) => decodeURIComponent(call.params[0] ?? "");
  return [
    route("GET", "/images/json", (call) => {
      const wanted = filters(call.query, ["reference", "dangling", "label", "before", "since", "until"]);
      const any = (key: string, test: (value: string) => boolean) => !wanted.has(key) || (wanted.get(key) ?? []).some(test);
      const list = images
        .list()
        .filter(
          (image) =>
            any("dangling", (value) => (value === "true" || value === "1") === (image.repoTags.length === 0)) &&
            any("reference", (value) => image.repoTags.some((tag) => glob(value, tag))) &&
            labelsMatch(wanted.get("label"), image.config.config?.Labels ?? {}),
        );
      sendJson(call.response, 200, list.sort((a, b) => (a.created < b.created ? 1 : -1)).map(summary));
    }),
    route("POST", "/images/load", async (call) => {
      const stream = jsonStream(call.response);
      for (const { id, name } of await loadArchive(images, call.request, call.signal))
        stream.send({ stream: name ? `Loaded image: ${name}\n` : `Loaded image ID: ${id}\n` });
      stream.end();
    }),
    route("POST", "/images/bootstrap", async (call) => {
      const stream = jsonStream(call.response);
      const name = call.query.get("ref") ?? "";
      const id = await bootstrap(images, name, { signal: call.signal, onProgress: (line) => stream.send({ status: line }) });
      stream.send({ status: `Bootstrapped ${familiarName(name)}`, aux: { ID: id } });
      stream.end();
    }),
    route("POST", "/images/create", async (call) => {
      const source = call.query.get("fromSrc");
      if (source !== null) {
        if (source !== "-") throw new BerthError("api/not-implemented", "an import from a URL is not supported: send the archive itself");
        const repo = call.query.get("repo");
        const tag = call.query.get("tag");
        const id = await importRootfs(images, call.request as Readable, {
          ...(repo ? { ref: tag ? `${repo}:${tag}` : repo } : {}),
          ...(call.query.get("message") ? { message: call.query.get("message") ?? "" } : {}),
          signal: call.signal,
        });
        const stream = jsonStream(call.response);
        stream.send({ status: id });
        stream.end();
        return;
      }
      const from = call.query.get("fromImage") ?? "";
      const tag = call.query.get("tag");
      const reference = parseReference(tag ? (tag.startsWith("sha256:") ? `${from}@${tag}` : `${from}:${tag}`) : from);
      const host = reference.domain === "docker.io" ? "registry-1.docker.io" : reference.domain;
      throw new BerthError("image/registry", `cannot pull ${familiarRepository(reference)}: ${await unreachable(host)}`, {
        hint: "Load the image from an archive (`berth image load`), or make a base image from the package archive (`berth image bootstrap debian:bookworm-slim`).",
      });
    }),
    route("POST", "/images/prune", (call) => {
      const wanted = filters(call.query, ["dangling", "label", "label!", "until"]);
      const dangling = !["0", "false"].includes(wanted.get("dangling")?.[0] ?? "true");
      const gone = images
        .list()
        .filter((image) => (image.repoTags.length === 0 || !dangling) && !containers.list().some((record) => record.Image === image.id))
        .flatMap((image) => images.remove(image.id, { force: true, inUse: () => undefined }).map((entry) => ({ entry, size: image.size })));
      sendJson(call.response, 200, {
        ImagesDeleted: gone.map(({ entry }) => entry),
        SpaceReclaimed: gone.reduce((sum, { entry, size }) => sum + ("Deleted" in entry ? size : 0), 0),
      });
    }),
    route("GET", "/images/{name*}/json", (call) => sendJson(call.response, 200, inspected(images.get(ref(call))))),
    route("GET", "/images/{name*}/history", (call) => sendJson(call.response, 200, history(images.get(ref(call)), images))),
    route("POST", "/images/{name*}/tag", (call) => {
      const repo = call.query.get("repo") ?? "";
      const tag = call.query.get("tag");
      images.tag(ref(call), tag ? `${repo}:${tag}` : repo);
      sendEmpty(call.response, 201);
    }),
    route("DELETE", "/images/{name*}", (call) => {
      const users = (id: string) => {
        const user = containers.list().find((record) => record.Image === id);
        return user ? `${user.State.Running ? "running " : ""}${user.Id.slice(0, 12)}` : undefined;
      };
      sendJson(call.response, 200, images.remove(ref(call), { force: flag(call.query, "force"), inUse: users }));
    }),
  ];
}

function summary(image: StoredImage) {
  return {
    Id: image.id,
    ParentId: "",
    RepoTags: image.repoTags,
    RepoDigests: image.repoDigests,
    Created: Math.floor(Date.parse(image.created) / 1000),
    Size: image.size,
    SharedSize: -1,
    VirtualSize: image.size,
    Labels: image.config.config?.Labels ?? {},
    Containers: -1,
  };
}

function inspected(image: StoredImage) {
  const { config } = image;
  return {
    Id: image.id,
    RepoTags: image.repoTags,
    RepoDigests: image.repoDigests,
    Parent: "",
    Comment: config.history?.at(-1)?.comment ?? "",
    Created: image.created,
    DockerVersion: "",
    Author: config.author ?? "",
    Container: "",
    // Compose v1 reads it whatever the version.
    ContainerConfig: {},
    Config: {
      Cmd: null,
      Entrypoint: null,
      Env: null,
      Volumes: null,
      WorkingDir: "",
      User: "",
      Labels: null,
      OnBuild: null,
      ...config.config,
    },
    Architecture: config.architecture,
    Os: config.os,
    Size: image.size,
    VirtualSize: image.size,
    GraphDriver: { Name: "overlay2", Data: null },
    RootFS: { Type: "layers", Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: "0001-01-01T00:00:00Z" },
  };
}

/** Newest first; an entry that made no layer has the size 0. */
function history(image: StoredImage, images: ImageStore) {
  let layer = 0;
  const entries = (image.config.history ?? []).map((entry) => {
    const chain = entry.empty_layer ? undefined : image.chainIds[layer++];
    return {
      Id: "<missing>",
      Created: Math.floor(Date.parse(entry.created ?? image.created) / 1000),
      CreatedBy: entry.created_by ?? "",
      Tags: null as readonly string[] | null,
      Size: chain ? (images.layer(chain)?.size ?? 0) : 0,
      Comment: entry.comment ?? "",
    };
  });
  const last = entries.at(-1);
  if (last) {
    last.Id = image.id;
    last.Tags = image.repoTags;
  }
  return entries.reverse();
}

function glob(pattern: string, name: string): boolean {
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  return new RegExp(`^${escaped}(:[^/]*)?$`).test(name);
}

/** Asks the registry's front door, to say in the system's words why it cannot be reached. */
async function unreachable(host: string): Promise<string> {
  try {
    const answer = await fetch(`https://${host}/v2/`, { signal: AbortSignal.timeout(10_000) });
    return `the registry ${host} answers (${answer.status}), and this version of Berth does not pull yet`;
  } catch (error) {
    return `the registry ${host} cannot be reached: ${messageOf(error instanceof Error && error.cause ? error.cause : error)}`;
  }
}
