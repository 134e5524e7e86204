import { createReadStream, existsSync } from "node:fs";
import type { BuildMessage, BuildPost } from "../../api/index.ts";
import { type Builder, type BuildRequest, parseCacheEntry } from "../../build/index.ts";
import type { ImageStore } from "../../image/index.ts";
import { BerthError, messageOf } from "../../system/index.ts";
import { type Call, jsonStream, type Route, route } from "../http/http.ts";
import { jsonBody } from "../http/json-body.ts";
import { registryAuths } from "../images/registry-auth.ts";
import { openBuildCache } from "./build-caches.ts";
import { buildPeek, buildPull } from "./build-images.ts";

/** POST /images/build and GET /images/{name}/rootfs: builds for clients on this machine, and what they write of them into a directory. */
export function localBuildRoutes(builder: Builder, images: ImageStore): Route[] {
  return [
    route("POST", "/images/build", (call) => build(call, builder, images)),
    route("GET", "/images/{name*}/rootfs", async ({ params, response }) => {
      const tar = images.rootfsTar(decodeURIComponent(params[0] ?? ""));
      response.writeHead(200, { "Content-Type": "application/x-tar" });
      await new Promise<void>((resolve) => {
        tar.once("error", () => response.destroy());
        response.once("close", () => {
          tar.destroy();
          resolve();
        });
        tar.pipe(response);
      });
    }),
  ];
}

async function build(call: Call, builder: Builder, images: ImageStore): Promise<void> {
  const post = await jsonBody<BuildPost>(call.request);
  const request = requestOf(post);
  const stream = jsonStream(call.response);
  const send = (message: BuildMessage) => stream.send(message);
  const before = new Set(images.list().map((image) => image.id));
  try {
    const authOf = registryAuths(call.request);
    const options = {
      signal: call.signal,
      pullImage: buildPull(images, authOf),
      peekImage: buildPeek(images, authOf),
      openCache: openBuildCache(images, authOf),
      onEvent: send,
      room: stream.room,
    };
    if (post.check) send({ type: "result", ok: true, ...(await builder.check(request, options)) });
    else {
      const { imageId, logFile } = await builder.build(request, options);
      send({ type: "result", ok: true, imageId, logFile, isNew: !before.has(imageId) });
    }
  } catch (error) {
    send({ type: "result", ok: false, error: wireErrorOf(error) });
  }
  stream.end();
}

function wireErrorOf(error: unknown) {
  if (!(error instanceof BerthError)) return { code: "system/internal", message: messageOf(error) };
  const { code, message, place, hint } = error;
  return { code, message, ...(place ? { place } : {}), ...(hint === undefined ? {} : { hint }) };
}

/** @throws BerthError build/context, where a file of the caller is not there */
function requestOf(post: BuildPost): BuildRequest {
  const { contextTarFile, secrets, args = {}, check: _, cacheFrom, cacheTo, directory, ...same } = post;
  if (contextTarFile !== undefined && !existsSync(contextTarFile))
    throw new BerthError("build/context", `the build context ${contextTarFile} does not exist`);
  return {
    ...same,
    args,
    ...(contextTarFile === undefined ? {} : { contextTar: createReadStream(contextTarFile) }),
    ...(cacheFrom ? { cacheFrom: cacheFrom.map((text) => parseCacheEntry(text, "import", directory)) } : {}),
    ...(cacheTo ? { cacheTo: cacheTo.map((text) => parseCacheEntry(text, "export", directory)) } : {}),
    ...(secrets ? { secrets: secrets.map(({ id, value }) => ({ id, value: Buffer.from(value, "base64") })) } : {}),
  };
}
