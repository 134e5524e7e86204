import { cpus } from "node:os";
import { type Builder, type BuildRequest, type PullImage, parseCacheEntry } from "../build/index.ts";
import { type ImageStore, parseReference, pull, type RegistryAuth } from "../image/index.ts";
import { BerthError } from "../system/index.ts";
import { openBuildCache } from "./build-caches.ts";
import type { LocalSources } from "./buildkit/index.ts";
import { ClassicBuildOutput } from "./classic-build-output.ts";
import { classicFailure } from "./classic-failure.ts";
import { checkCpus } from "./create-validation.ts";
import { type Call, filters, flag, type Handler, type JsonStream, jsonStream, type Route, route, sendJson, timeMs } from "./http.ts";
import { registryAuths } from "./registry-auth.ts";

/**
 * The image builds of the Docker API in their classic form: the context as a tar in the body, the progress as JSON lines. `buildkit` takes those
 * that ask for the second version.
 */
export function buildRoutes(o: { builder: Builder; images: ImageStore; sources: LocalSources; buildkit: Handler }): Route[] {
  const { builder, images, sources, buildkit } = o;
  return [
    route("POST", "/build", (call) => (call.query.get("version") === "2" ? buildkit(call) : build(call, builder, images))),
    route("POST", "/build/prune", (call) => prune(call, builder, sources)),
  ];
}

/** Docker's filters of the build cache; the rest of its columns has no counterpart here and is refused. */
function prune({ query, response }: Call, builder: Builder, sources: LocalSources): void {
  const wanted = filters(query, ["until", "unused-for", "id", "label", "label!"]);
  // `system prune --filter label=x` asks this as well; nothing here has a label.
  if (wanted.has("label")) {
    sendJson(response, 200, { CachesDeleted: null, SpaceReclaimed: 0 });
    return;
  }
  const [age] = [...(wanted.get("until") ?? []), ...(wanted.get("unused-for") ?? [])];
  const sinceMs = timeMs(age ?? null);
  const kept = query.get("reserved-space") ?? query.get("max-used-space") ?? query.get("keep-storage");
  const { keys, bytes } = builder.prune({
    ...(sinceMs === undefined ? {} : { unusedForMs: Date.now() - sinceMs }),
    ...(Number(kept) > 0 ? { keepBytes: Number(kept) } : {}),
    ...(wanted.has("id") ? { keys: wanted.get("id") ?? [] } : {}),
  });
  // What clients sent makes no result: it is kept only as long as nobody asks for its space.
  const sent = wanted.has("id") || Number(kept) > 0 ? [] : sources.prune({ unusedForMs: sinceMs === undefined ? 0 : Date.now() - sinceMs });
  sendJson(response, 200, {
    CachesDeleted: [...keys, ...sent.map((source) => source.id)],
    SpaceReclaimed: sent.reduce((sum, source) => sum + source.bytes, bytes),
  });
}

async function build(call: Call, builder: Builder, images: ImageStore): Promise<void> {
  const request = requestOf(call, images);
  const stream = lateStream(call.response);
  const quiet = flag(call.query, "q");
  const output = new ClassicBuildOutput((text) => quiet || stream.send({ stream: text }), {
    labels: request.labels ?? {},
    mayCache: !request.noCache,
  });
  const before = new Set(images.list().map((image) => image.id));
  const building = builder.build(request, {
    signal: call.signal,
    pullImage: buildPull(images, registryAuths(call.request)),
    openCache: openBuildCache(images, registryAuths(call.request)),
    onEvent: (event) => output.event(event),
    room: stream.room,
    steps: output,
  });
  const imageId = await building.then(
    (built) => built.imageId,
    (error: unknown) => {
      output.fail();
      const failure = classicFailure(error, { dockerfile: request.dockerfile ?? "Dockerfile", begun: call.response.headersSent });
      // Nothing was told yet: the answer is an error, as for what Docker finds before its first step.
      if (!call.response.headersSent)
        throw error instanceof BerthError ? new BerthError(error.code, failure.message, { cause: error }) : error;
      stream.send({ errorDetail: failure, error: failure.message });
    },
  );
  if (imageId === undefined) return stream.end();
  // Asked to be quiet, the classic protocol tells the id and nothing else.
  if (quiet) {
    stream.send({ stream: `${imageId}\n` });
    stream.end();
    return;
  }
  output.finish(imageId, !before.has(imageId));
  stream.send({ aux: { ID: imageId } });
  stream.send({ stream: `Successfully built ${imageId.replace("sha256:", "").slice(0, 12)}\n` });
  for (const tag of request.tags ?? []) stream.send({ stream: `Successfully tagged ${tag.includes(":") ? tag : `${tag}:latest`}\n` });
  stream.end();
}

/** A stream of JSON objects whose head goes out with the first of them. */
function lateStream(response: Call["response"]): JsonStream {
  let stream: JsonStream | undefined;
  const begun = () => {
    stream ??= jsonStream(response, "\r\n");
    return stream;
  };
  return { send: (value) => begun().send(value), room: () => stream?.room(), end: () => begun().end() };
}

/** How a build fetches base images: with the credentials that its client sent, or those of this user. */
export function buildPull(
  images: ImageStore,
  authOf: (domain: string) => RegistryAuth | undefined | Promise<RegistryAuth | undefined>,
): PullImage {
  return async (ref, { platform, signal, onProgress }) => {
    const auth = await authOf(parseReference(ref).domain);
    return await pull(images, ref, {
      signal,
      ...(auth ? { auth } : {}),
      ...(platform ? { platform } : {}),
      onProgress: ({ id, current, total }) => {
        if (id !== undefined && current !== undefined && total !== undefined) onProgress({ id, current, total, done: current === total });
      },
    });
  };
}

/** Parameters of POST /build that Berth's builder has no counterpart for; false and empty values ask for nothing. */
const refused = ["outputs", "cgroupparent"];

/** @throws BerthError api/bad-parameter, api/not-implemented */
function requestOf({ query, request }: Call, images: ImageStore): BuildRequest {
  for (const name of refused)
    if (query.get(name) && !["0", "false", "[]", "{}"].includes(query.get(name) ?? ""))
      throw new BerthError("api/not-implemented", `the build option ${name} is not supported`);
  refuseOtherSystems(query);
  const object = (name: string): Record<string, string | null> => {
    const text = query.get(name);
    if (!text) return {};
    const value: unknown = parse(name, text);
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new BerthError("api/bad-parameter", `${name} has to be a JSON object`);
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, one === null ? null : String(one)]));
  };
  const names = (name: string): string[] => {
    const value: unknown = parse(name, query.get(name) || "[]") ?? [];
    if (!Array.isArray(value)) throw new BerthError("api/bad-parameter", `${name} has to be a JSON array`);
    return value.map(String);
  };
  const sources = names("cachefrom");
  const remote = query.get("remote");
  const [target, platform, network] = [query.get("target"), query.get("platform"), query.get("networkmode")];
  const labels = Object.entries(object("labels")).map(([key, value]): [string, string] => [key, value ?? ""]);
  return {
    ...(remote ? { remote } : { contextTar: request }),
    hideIgnoredDockerfile: true,
    dockerfile: query.get("dockerfile") || "Dockerfile",
    args: object("buildargs"),
    labels: Object.fromEntries(labels),
    tags: query.getAll("t"),
    // The classic builder takes steps from the images that are named, and from nothing where none of them is here.
    noCache: flag(query, "nocache") || (sources.length > 0 && !sources.some((ref) => images.resolve(ref))),
    cacheFrom: sources.map((ref) => parseCacheEntry(ref, "import")),
    pull: flag(query, "pull"),
    extraHosts: query
      .getAll("extrahosts")
      .flatMap((text) => text.split(","))
      .filter(Boolean),
    ...(target ? { target } : {}),
    ...(platform ? { platform } : {}),
    ...(network ? { network } : {}),
    ...limits(query),
    ...(Number(query.get("shmsize")) > 0 ? { shmSize: Number(query.get("shmsize")) } : {}),
  };
}

/** What dockerd on Linux refuses, in its words. @throws BerthError */
function refuseOtherSystems(query: URLSearchParams): void {
  if (flag(query, "squash")) throw new BerthError("api/bad-parameter", "squash is only supported with experimental mode");
  const isolation = query.get("isolation");
  if (isolation && isolation !== "default") throw new BerthError("system/internal", `unsupported isolation: ${JSON.stringify(isolation)}`);
  if (!["", "[]", "null"].includes(query.get("securityopt") ?? ""))
    throw new BerthError("api/bad-parameter", "security options are not supported on linux");
}

/** The limits of a RUN's process (POST /build: memory, memswap, cpushares, ..., ulimits). */
function limits(query: URLSearchParams): Pick<BuildRequest, "resources" | "ulimits"> {
  const number = (key: "Memory" | "MemorySwap" | "CpuShares" | "CpuPeriod" | "CpuQuota", name: string) =>
    Number(query.get(name)) ? { [key]: Number(query.get(name)) } : {};
  const text = (key: "CpusetCpus" | "CpusetMems", name: string) => (query.get(name) ? { [key]: query.get(name) ?? "" } : {});
  const resources = {
    ...number("Memory", "memory"),
    ...number("MemorySwap", "memswap"),
    ...number("CpuShares", "cpushares"),
    ...number("CpuPeriod", "cpuperiod"),
    ...number("CpuQuota", "cpuquota"),
    ...text("CpusetCpus", "cpusetcpus"),
    ...text("CpusetMems", "cpusetmems"),
  };
  checkCpus(resources, cpus().length);
  const ulimits = (parse("ulimits", query.get("ulimits") || "null") ?? []) as NonNullable<BuildRequest["ulimits"]>; // the API's own form
  return { ...(Object.keys(resources).length > 0 ? { resources } : {}), ...(ulimits.length > 0 ? { ulimits } : {}) };
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BerthError("api/bad-parameter", `${name} is not JSON: ${text}`, { cause: error });
  }
}
