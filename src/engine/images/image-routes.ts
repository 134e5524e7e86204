import { bootstrap, familiarName, familiarRepository, type ImageStore, parseReference, type StoredImage } from "../../image/index.ts";
import { BerthError } from "../../system/index.ts";
import type { Containers } from "../containers/containers.ts";
import type { EventBus } from "../event-bus.ts";
import { filters, labelsMatch, pruneFilter, yesOrNo } from "../http/filters.ts";
import { type Call, jsonStream, type Route, route, sendEmpty, sendJson } from "../http/http.ts";
import { flag, timeMs } from "../http/query-values.ts";
import { imageOfPlatform } from "./image-platform.ts";
import { imageHistory, imageInspect, imageSummary, namesMatching } from "./image-view.ts";

/** The images that are here: list, inspect, history, names, removal; and POST /images/bootstrap of our own. */
export function imageRoutes({ images, containers, events }: { images: ImageStore; containers: Containers; events: EventBus }): Route[] {
  images.onChange(({ action, id, name }) => {
    const labels = images.resolve(id)?.config.config?.Labels ?? {};
    events.emit("image", action, name && /^(pull|push)$/.test(action) ? name : id, {
      ...labels,
      name:
        action === "untag" ? id : name === undefined ? id : /^(pull|push)$/.test(action) ? familiarRepository(parseReference(name)) : name,
    });
  });
  const ref = (call: Call) => decodeURIComponent(call.params[0] ?? "");
  return [
    route("GET", "/images/json", ({ query, response, version }) => {
      const list = filtered(images, query, version);
      const users = (id: string) => containers.list().filter((record) => record.Image === id).length;
      const shared = flag(query, "shared-size") ? sharedSizes(images) : undefined;
      sendJson(
        response,
        200,
        list.map((image) =>
          imageSummary(image, {
            version,
            ...(version >= 1.51 ? { containers: users(image.id) } : {}),
            ...(shared ? { sharedSize: shared.get(image.id) ?? 0 } : {}),
          }),
        ),
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
      const all = yesOrNo(wanted, "dangling") === false;
      const takes = pruneFilter(wanted, "api/unreadable-value");
      const { deleted, spaceReclaimed } = images.prune({
        all,
        inUse: (id) => userOf(containers, id),
        keep: (image) => !takes({ labels: image.config.config?.Labels ?? {}, createdIso: image.created }),
      });
      events.emit("image", "prune", "", { reclaimed: String(spaceReclaimed) });
      sendJson(response, 200, { ImagesDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: spaceReclaimed });
    }),
    route("GET", "/images/search", ({ query }) => {
      checkSearch(query);
      throw new BerthError("api/not-implemented", "searching a registry for images is not supported", {
        hint: "Docker Hub's website has the search: https://hub.docker.com/search",
      });
    }),
    route("GET", "/images/{name*}/json", (call) => {
      const platform = call.query.get("platform");
      if (platform && flag(call.query, "manifests"))
        throw new BerthError("api/bad-parameter", "conflicting options: manifests and platform options cannot both be set");
      sendJson(call.response, 200, imageInspect(imageOfPlatform(images, ref(call), platform), images, call.version));
    }),
    route("GET", "/images/{name*}/history", (call) =>
      sendJson(call.response, 200, imageHistory(imageOfPlatform(images, ref(call), call.query.get("platform")), images)),
    ),
    route("POST", "/images/{name*}/tag", (call) => {
      const repo = call.query.get("repo") ?? "";
      if (!repo) return sendEmpty(call.response, 200); // no name: nothing to do, as for Docker
      const tag = call.query.get("tag");
      checkNewName(repo, tag);
      images.tag(ref(call), tag ? `${withoutTag(repo)}:${tag}` : repo);
      sendEmpty(call.response, 201);
    }),
    route("DELETE", "/images/{name*}", (call) => {
      // An image is of one platform here: removing that variant is removing it.
      for (const platform of platformsOf(call.query)) imageOfPlatform(images, ref(call), platform);
      sendJson(
        call.response,
        200,
        images.remove(ref(call), {
          force: flag(call.query, "force"),
          noPrune: flag(call.query, "noprune"),
          inUse: (id) => userOf(containers, id),
        }),
      );
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
  const users = containers.list().filter((record) => record.Image === imageId);
  const user = users.find((record) => record.State.Running) ?? users[0];
  return user ? `${user.State.Running ? "running " : ""}${user.Id.slice(0, 12)}` : undefined;
}

function filtered(images: ImageStore, query: URLSearchParams, version: number): StoredImage[] {
  const wanted = filters(query, ["reference", "dangling", "label", "before", "since", "until"]);
  const dangling = yesOrNo(wanted, "dangling");
  const createdMs = (image: StoredImage) => Date.parse(image.created);
  const before = (wanted.get("before") ?? []).map((name) => createdMs(images.get(name)));
  const since = (wanted.get("since") ?? []).map((name) => createdMs(images.get(name)));
  const until = (wanted.get("until") ?? []).map((text) => timeMs(text, "api/unreadable-value"));
  // Before 1.41 a name could also be asked for without the filters.
  const filter = version < 1.41 ? query.get("filter") : undefined;
  const patterns = filter ? [...(wanted.get("reference") ?? []), filter] : wanted.get("reference");
  const named = (image: StoredImage): StoredImage =>
    patterns === undefined
      ? image
      : { ...image, repoTags: namesMatching(image.repoTags, patterns), repoDigests: namesMatching(image.repoDigests, patterns) };
  const isAll = flag(query, "all");
  return images
    .list()
    .filter((image) => isAll || image.repoTags.length + image.repoDigests.length > 0 || !images.isParent(image.id))
    .map(named)
    .filter(
      (image) =>
        (dangling === undefined || dangling === (image.repoTags.length === 0)) &&
        (patterns === undefined || image.repoTags.length + image.repoDigests.length > 0) &&
        labelsMatch(wanted.get("label"), image.config.config?.Labels ?? {}) &&
        [...before, ...until].every((ms) => createdMs(image) < ms) &&
        since.every((ms) => createdMs(image) > ms),
    );
}

/** A tag of its own stands for the one in a name. */
function withoutTag(name: string): string {
  const at = name.lastIndexOf(":");
  return at > name.lastIndexOf("/") ? name.slice(0, at) : name;
}

/** Looked at before the image. @throws BerthError image/bad-reference */
function checkNewName(repo: string, tag: string | null): void {
  const { digest, repository, domain } = parseReference(repo);
  if (digest) throw new BerthError("image/bad-reference", "cannot import digest reference");
  if (tag && !/^[\w][\w.-]{0,127}$/.test(tag)) throw new BerthError("image/bad-reference", "invalid tag format");
  if (domain === "docker.io" && repository === "library/sha256")
    throw new BerthError("image/bad-reference", "refusing to create an ambiguous tag using digest algorithm as name");
}

/** What Docker looks at before it asks a registry. @throws BerthError api/bad-parameter */
function checkSearch(query: URLSearchParams): void {
  const limit = query.get("limit") || "25";
  if (!/^\+?\d+$/.test(limit))
    throw new BerthError("api/bad-parameter", `invalid limit specified: strconv.Atoi: parsing "${limit}": invalid syntax`);
  const wanted = filters(query, ["is-automated", "is-official", "stars"]);
  if (Number(limit) > 100) throw new BerthError("api/bad-parameter", `limit ${limit} is outside the range of [1, 100]`);
  yesOrNo(wanted, "is-automated");
  yesOrNo(wanted, "is-official");
  for (const stars of wanted.get("stars") ?? [])
    if (!/^[+-]?\d+$/.test(stars))
      throw new BerthError("api/bad-parameter", `invalid filter 'stars=${stars}': strconv.Atoi: parsing "${stars}": invalid syntax`);
}

function sharedSizes(images: ImageStore): ReadonlyMap<string, number> {
  return new Map(images.diskUsage().images.map(({ id, sharedSize }) => [id, sharedSize]));
}
