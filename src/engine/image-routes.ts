import { bootstrap, familiarName, type ImageStore, type StoredImage } from "../image/index.ts";
import { BerthError } from "../system/index.ts";
import type { Containers } from "./containers.ts";
import type { EventBus } from "./event-bus.ts";
import { type Call, filters, flag, jsonStream, labelsMatch, type Route, route, sendEmpty, sendJson, timeMs } from "./http.ts";
import { imageOfPlatform } from "./image-platform.ts";
import { imageHistory, imageInspect, imageSummary, namesMatching } from "./image-view.ts";

/** The images that are here: list, inspect, history, names, removal; and POST /images/bootstrap of our own. */
export function imageRoutes({ images, containers, events }: { images: ImageStore; containers: Containers; events: EventBus }): Route[] {
  images.onChange(({ action, id, name }) => {
    const labels = images.resolve(id)?.config.config?.Labels ?? {};
    events.emit("image", action, name && /^(pull|push)$/.test(action) ? name : id, {
      ...labels,
      name: action === "untag" ? id : (name ?? id),
    });
  });
  const ref = (call: Call) => decodeURIComponent(call.params[0] ?? "");
  return [
    route("GET", "/images/json", ({ query, response }) => {
      const list = filtered(images, query);
      const shared = flag(query, "shared-size") ? sharedSizes(images) : undefined;
      sendJson(
        response,
        200,
        list.map((image) => imageSummary(image, shared ? { sharedSize: shared.get(image.id) ?? 0 } : {})),
      );
    }),
    route("POST", "/images/bootstrap", async (call) => {
      const stream = jsonStream(call.response);
      const name = call.query.get("ref") ?? "";
      const id = await bootstrap(images, name, { signal: call.signal, onProgress: (line) => stream.send({ status: line }) });
      stream.send({ status: `Bootstrapped ${familiarName(name)}`, aux: { ID: id } });
      stream.end();
    }),
    route("POST", "/images/prune", ({ query, response }) => {
      const wanted = filters(query, ["dangling", "label", "label!", "until"]);
      const all = ["0", "false"].includes(wanted.get("dangling")?.[0] ?? "true");
      const untilMs = timeMs(wanted.get("until")?.[0] ?? null);
      const { deleted, spaceReclaimed } = images.prune({
        all,
        inUse: (id) => userOf(containers, id),
        keep: (image) => {
          const labels = image.config.config?.Labels ?? {};
          return (
            (untilMs !== undefined && Date.parse(image.created) >= untilMs) ||
            !labelsMatch(wanted.get("label"), labels) ||
            (wanted.has("label!") && (wanted.get("label!") ?? []).some((label) => labelsMatch([label], labels)))
          );
        },
      });
      events.emit("image", "prune", "", { reclaimed: String(spaceReclaimed) });
      sendJson(response, 200, { ImagesDeleted: deleted, SpaceReclaimed: spaceReclaimed });
    }),
    route("GET", "/images/search", ({ query }) => {
      const limit = Number(query.get("limit") || 25);
      if (!(limit >= 1 && limit <= 100)) throw new BerthError("api/bad-parameter", `limit ${limit} is outside the range of [1, 100]`);
      filters(query, ["is-official", "is-automated", "stars"]);
      throw new BerthError("api/not-implemented", "searching a registry for images is not supported", {
        hint: "Docker Hub's website has the search: https://hub.docker.com/search",
      });
    }),
    route("GET", "/images/{name*}/json", (call) =>
      sendJson(call.response, 200, imageInspect(imageOfPlatform(images, ref(call), call.query.get("platform")), images)),
    ),
    route("GET", "/images/{name*}/history", (call) =>
      sendJson(call.response, 200, imageHistory(imageOfPlatform(images, ref(call), call.query.get("platform")), images)),
    ),
    route("POST", "/images/{name*}/tag", (call) => {
      const repo = call.query.get("repo") ?? "";
      const tag = call.query.get("tag");
      images.tag(ref(call), tag ? `${repo}:${tag}` : repo);
      sendEmpty(call.response, 201);
    }),
    route("DELETE", "/images/{name*}", (call) => {
      // An image is of one platform here: removing that variant is removing it.
      for (const platform of platformsOf(call.query)) imageOfPlatform(images, ref(call), platform);
      sendJson(call.response, 200, images.remove(ref(call), { force: flag(call.query, "force"), inUse: (id) => userOf(containers, id) }));
    }),
  ];
}

/** `?platforms=` of a removal: a list of JSON texts, or one text with a list of them. */
function platformsOf(query: URLSearchParams): string[] {
  return query.getAll("platforms").flatMap((text) => {
    if (!text.startsWith("[")) return [text];
    return (JSON.parse(text) as unknown[]).map((one) => (typeof one === "string" ? one : JSON.stringify(one)));
  });
}

/** The first container that needs an image, in the form that the store's refusals take apart. */
function userOf(containers: Containers, imageId: string): string | undefined {
  const user = containers.list().find((record) => record.Image === imageId);
  return user ? `${user.State.Running ? "running " : ""}${user.Id.slice(0, 12)}` : undefined;
}

function filtered(images: ImageStore, query: URLSearchParams): StoredImage[] {
  const wanted = filters(query, ["reference", "dangling", "label", "before", "since", "until"]);
  const [dangling] = wanted.get("dangling") ?? [];
  if (dangling !== undefined && !/^(true|false|1|0)$/.test(dangling))
    throw new BerthError("api/bad-parameter", `invalid filter 'dangling=[${dangling}]'`);
  const any = (key: string, test: (value: string) => boolean) => !wanted.has(key) || (wanted.get(key) ?? []).some(test);
  const createdMs = (image: StoredImage) => Date.parse(image.created);
  const before = (wanted.get("before") ?? []).map((name) => createdMs(images.get(name)));
  const since = (wanted.get("since") ?? []).map((name) => createdMs(images.get(name)));
  const until = (wanted.get("until") ?? []).map((text) => timeMs(text) ?? 0);
  const patterns = wanted.get("reference");
  const named = (image: StoredImage): StoredImage =>
    patterns === undefined
      ? image
      : { ...image, repoTags: namesMatching(image.repoTags, patterns), repoDigests: namesMatching(image.repoDigests, patterns) };
  return images
    .list()
    .map(named)
    .filter(
      (image) =>
        any("dangling", (value) => (value === "true" || value === "1") === (image.repoTags.length === 0)) &&
        (patterns === undefined || image.repoTags.length + image.repoDigests.length > 0) &&
        labelsMatch(wanted.get("label"), image.config.config?.Labels ?? {}) &&
        [...before, ...until].every((ms) => createdMs(image) < ms) &&
        since.every((ms) => createdMs(image) > ms),
    );
}

function sharedSizes(images: ImageStore): ReadonlyMap<string, number> {
  return new Map(images.diskUsage().images.map(({ id, sharedSize }) => [id, sharedSize]));
}
