import type { Builder } from "../../build/index.ts";
import type { ImageStore } from "../../image/index.ts";
import { BerthError, messageOf } from "../../system/index.ts";
import type { LocalSources } from "../buildkit/index.ts";
import type { EventBus } from "../event-bus.ts";
import { type Filters, filters } from "../http/filters.ts";
import { type Call, type Handler, type JsonStream, jsonStream, type Route, route, sendJson } from "../http/http.ts";
import { flag, timeMs } from "../http/query-values.ts";
import { registryAuths } from "../images/registry-auth.ts";
import { openBuildCache } from "./build-caches.ts";
import { buildPeek, buildPull } from "./build-images.ts";
import { classicBuild } from "./build-parameters.ts";
import { ClassicBuildOutput } from "./classic-build-output.ts";
import { classicFailure } from "./classic-failure.ts";

/**
 * The image builds of the Docker API in their classic form: the context as a tar in the body, the progress as JSON lines. `buildkit` takes those
 * that ask for the second version.
 */
export function buildRoutes(o: {
  builder: Builder;
  images: ImageStore;
  sources: LocalSources;
  events: EventBus;
  buildkit: Handler;
}): Route[] {
  const { builder, images, sources, events, buildkit } = o;
  return [
    route("POST", "/build", (call) => {
      const version = call.query.get("version") || "1";
      if (version !== "1" && version !== "2") throw new BerthError("api/bad-parameter", `invalid version "${version}"`);
      return version === "2" ? buildkit(call) : build(call, builder, images);
    }),
    route("POST", "/build/prune", (call) => {
      const answer = pruned(call, builder, sources);
      events.emit("builder", "prune", "", { reclaimed: String(answer.SpaceReclaimed) });
      sendJson(call.response, 200, answer);
    }),
  ];
}

/** What Docker's filters of the build cache may name. Here an entry has no parents, and is neither in use, shared nor private. */
const cacheFields = ["id", "parent", "type", "description", "inuse", "shared", "private"];

/** Docker's filters of the build cache. @throws BerthError api/bad-parameter */
function pruned({ query }: Call, builder: Builder, sources: LocalSources): { CachesDeleted: string[] | null; SpaceReclaimed: number } {
  const sizes = ["reserved-space", "keep-storage", "max-used-space", "min-free-space"].map((name) => bytesOf(query, name));
  const wanted = cacheFilters(query);
  // `system prune --filter label=x` asks this as well; nothing here has a label.
  if (wanted.has("label")) return { CachesDeleted: null, SpaceReclaimed: 0 };
  if (cacheFields.slice(1).some((field) => wanted.has(field))) return { CachesDeleted: null, SpaceReclaimed: 0 };
  const sinceMs = unusedSinceMs(wanted);
  const kept = sizes.slice(0, 3).find((size) => size > 0) ?? 0;
  const { keys, bytes } = builder.prune({
    ...(sinceMs === undefined ? {} : { unusedForMs: Date.now() - sinceMs }),
    ...(kept > 0 ? { keepBytes: kept } : {}),
    ...(wanted.has("id") ? { keys: wanted.get("id") ?? [] } : {}),
  });
  // What clients sent makes no result: it is kept only as long as nobody asks for its space.
  const sent = wanted.has("id") || kept > 0 ? [] : sources.prune({ unusedForMs: sinceMs === undefined ? 0 : Date.now() - sinceMs });
  const gone = [...keys, ...sent.map((source) => source.id)];
  return { CachesDeleted: gone.length > 0 ? gone : null, SpaceReclaimed: sent.reduce((sum, source) => sum + source.bytes, bytes) };
}

/** @throws BerthError api/bad-parameter */
function bytesOf(query: URLSearchParams, name: string): number {
  const text = query.get(name) || "0";
  if (!/^[+-]?\d+$/.test(text))
    throw new BerthError(
      "api/bad-parameter",
      `${name} is in bytes and expects an integer, got ${text}: strconv.Atoi: parsing "${text}": invalid syntax`,
    );
  return Number(text);
}

/** @throws BerthError api/bad-parameter, in the words that Docker puts before every fault of a filter */
function cacheFilters(query: URLSearchParams): Filters {
  const wanted = filters(query);
  for (const [key, values] of wanted) {
    if (!["until", "unused-for", "label", "label!", ...cacheFields].includes(key)) throw pruneFault(`invalid filter '${key}'`);
    if (values.length > 1 && key !== "label" && key !== "label!") throw pruneFault("filters expect only one value");
  }
  return wanted;
}

function unusedSinceMs(wanted: Filters): number | undefined {
  for (const key of ["until", "unused-for"]) {
    const [age] = wanted.get(key) ?? [];
    if (age === undefined) continue;
    try {
      return timeMs(age);
    } catch (error) {
      throw pruneFault(`"${key}" filter expects a duration (e.g., '24h') or a timestamp: ${messageOf(error)}`);
    }
  }
  return undefined;
}

function pruneFault(message: string): BerthError {
  return new BerthError("api/bad-parameter", `failed to prune build cache: ${message}`);
}

async function build(call: Call, builder: Builder, images: ImageStore): Promise<void> {
  const request = classicBuild(call, images);
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
    peekImage: buildPeek(images, registryAuths(call.request)),
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
      if (!call.response.headersSent) throw plainFailure(error, failure.message);
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

/** The error of a build that has told nothing yet: Docker says 400 for what a Dockerfile has wrong, else 500. */
function plainFailure(error: unknown, message: string): unknown {
  if (!(error instanceof BerthError)) return error;
  const isContext = error.code === "build/context" || message.startsWith("Cannot locate");
  return new BerthError(isContext ? "api/unreadable-value" : error.code, message, { cause: error });
}
