import { createReadStream, createWriteStream } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { configWithChanges } from "../../build/index.ts";
import {
  canonicalName,
  checkLogin,
  familiarName,
  familiarRepository,
  type ImageStore,
  importRootfs,
  loadArchive,
  parseReference,
  pull,
  push,
  saveArchive,
} from "../../image/index.ts";
import { BerthError, messageOf } from "../../system/index.ts";
import { checkImportPlatform, checkPlatformText } from "../daemon/platform.ts";
import { type Call, type Route, route, sendEmpty, sendJson } from "../http/http.ts";
import { bodyBytes, parseBody } from "../http/json-body.ts";
import { progressStream } from "../http/progress-stream.ts";
import { flag } from "../http/query-values.ts";
import { checkExportPlatform, imageOfPlatform, isOfPlatform } from "./image-platform.ts";
import { type AuthConfig, registryAuth, toAuth } from "./registry-auth.ts";

/** What brings images in and out: pull, push, load, save, import; and POST /auth, whether a registry takes credentials. */
export function imageTransferRoutes(images: ImageStore): Route[] {
  const ref = (call: Call) => decodeURIComponent(call.params[0] ?? "");
  return [
    route("POST", "/images/create", (call) => (call.query.get("fromImage") ? pullRoute(images, call) : importImage(images, call))),
    route("POST", "/images/load", (call) => load(images, call)),
    route("GET", "/images/get", (call) => {
      const names = call.query.getAll("names").flatMap((text) => text.split(","));
      return save(images, call, names.filter(Boolean));
    }),
    route("GET", "/images/{name*}/get", (call) => save(images, call, [ref(call)])),
    route("POST", "/auth", async ({ request, response, signal }) => {
      const config = await credentials(request);
      const { identityToken } = await checkLogin(config.serveraddress ?? "", toAuth(config), { signal });
      sendJson(response, 200, { Status: "Login Succeeded", IdentityToken: identityToken ?? "" });
    }),
    route("POST", "/images/{name*}/push", (call) => pushRoute(images, call, ref(call))),
  ];
}

/** @throws BerthError api/unreadable-value: Docker does not look at its type, and answers 500 */
async function credentials(request: IncomingMessage): Promise<AuthConfig & { serveraddress?: string }> {
  const bytes = await bodyBytes(request);
  if (bytes.length === 0) throw new BerthError("api/unreadable-value", "EOF");
  try {
    return parseBody(bytes);
  } catch (error) {
    throw new BerthError("api/unreadable-value", messageOf(error).replace(/^invalid JSON: /, ""));
  }
}

/** `tag` may be a digest; without one, and with none in the name, every tag of the repository is meant (Engine API, ImageCreate). */
async function pullRoute(images: ImageStore, call: Call): Promise<void> {
  const { query, response, signal } = call;
  const from = query.get("fromImage") ?? "";
  const tag = query.get("tag");
  if (/^(docker\.io\/(library\/)?)?scratch(:|$)/.test(from)) throw new BerthError("api/forbidden", "'scratch' is a reserved name");
  if (query.get("platform")) checkPlatformText(query.get("platform") ?? "");
  const whole = tag ? (tag.startsWith("sha256:") ? `${from}@${tag}` : `${withoutTag(from)}:${tag}`) : from;
  const reference = parseReference(whole, { defaultTag: false });
  const auth = registryAuth(call.request);
  const platform = query.get("platform");
  const stream = progressStream(response);
  await pull(images, whole, {
    allTags: reference.tag === undefined && reference.digest === undefined,
    signal,
    ...(auth ? { auth } : {}),
    ...(platform ? { platform } : {}),
    onProgress: (event) => stream.transfer(event),
  });
  stream.end();
}

/** A tag, or every tag of a repository that is here. */
async function pushRoute(images: ImageStore, call: Call, name: string): Promise<void> {
  const tag = call.query.get("tag");
  const reference = parseReference(tag ? `${withoutTag(name)}:${tag}` : name, { defaultTag: false });
  const refs = reference.tag ? [canonicalName(reference)] : images.tagsOf(reference);
  const auth = registryAuth(call.request);
  const stream = progressStream(call.response);
  if (refs.length === 0 || (reference.tag && !images.resolve(refs[0] ?? ""))) {
    // Docker has begun to answer when it finds out.
    const name = familiarRepository(reference);
    const message =
      reference.tag && images.tagsOf(reference).length > 0
        ? `tag does not exist: ${name}:${reference.tag}`
        : `An image does not exist locally with the tag: ${name}`;
    stream.send({ status: `The push refers to repository [${reference.domain}/${reference.repository}]` });
    stream.send({ errorDetail: { message }, error: message });
    return stream.end();
  }
  const platform = call.query.get("platform");
  for (const one of refs) if (platform) imageOfPlatform(images, familiarName(one), platform);
  let hasBegun = false;
  for (const one of refs) {
    const { digest, size } = await push(images, one, {
      signal: call.signal,
      ...(auth ? { auth } : {}),
      onProgress: (event) => {
        // Said once, also of many tags.
        const isHead = event.status.startsWith("The push refers to");
        if (!isHead || !hasBegun) stream.transfer(event);
        hasBegun ||= isHead;
      },
    });
    stream.send({ progressDetail: {}, aux: { Tag: parseReference(one).tag ?? "latest", Digest: digest, Size: size } });
  }
  stream.end();
}

async function load(images: ImageStore, call: Call): Promise<void> {
  const stream = progressStream(call.response);
  const quiet = flag(call.query, "quiet", true);
  const onProgress = quiet
    ? undefined
    : ({ id, current, total }: { id: string; current: number; total: number }) =>
        stream.transfer({ id, status: "Loading layer", current, total });
  // Our own, for clients on this machine: the archive is read where it lies.
  const file = call.query.get("file");
  const input = file ? createReadStream(file, { highWaterMark: 1 << 20 }) : call.request;
  const platform = call.query.get("platform");
  const before = new Set(platform ? images.list().map(({ id }) => id) : []);
  try {
    for (const { id, name } of await loadArchive(images, input, call.signal, onProgress))
      if (!isOfPlatform(images.get(id), platform)) {
        if (!before.has(id)) images.remove(id, { force: true });
      } else stream.send({ stream: name ? `Loaded image: ${name}\n` : `Loaded image ID: ${id}\n` });
  } catch (error) {
    // What is no archive is told in the stream, as Docker does: docker-py looks for it only there.
    if (!(error instanceof BerthError) || error.code !== "image/bad-archive") throw error;
    stream.send({ errorDetail: { message: error.message }, error: error.message, code: error.code });
  }
  stream.end();
}

async function save(images: ImageStore, call: Call, names: readonly string[]): Promise<void> {
  if (names.length === 0) throw new BerthError("api/bad-parameter", "no image is named");
  // A repository alone is all its tags.
  const missing = names.find((name) => !images.resolve(name) && images.tagsOf(parseReference(name, { defaultTag: false })).length === 0);
  if (missing !== undefined) throw new BerthError("image/not-found", `No such image: ${missing}`);
  checkExportPlatform(images, names, call.query.get("platform"));
  const oci = call.query.get("format") === "oci"; // our own: an OCI layout alone
  const archive = saveArchive(images, names, { signal: call.signal, ...(oci ? { format: "oci" } : {}) });
  const file = call.query.get("file"); // our own, as for load
  if (file) {
    await pipeline(archive, createWriteStream(file, { mode: 0o600, highWaterMark: 1 << 22 }), { signal: call.signal });
    sendEmpty(call.response, 204);
    return;
  }
  call.response.writeHead(200, { "Content-Type": "application/x-tar" });
  await new Promise<void>((resolve) => {
    // The archive's length is unknown to the client: a broken connection is how it learns of an error in the middle.
    archive.once("error", () => call.response.destroy());
    call.response.once("close", () => {
      archive.destroy();
      resolve();
    });
    archive.pipe(call.response);
  });
}

async function importImage(images: ImageStore, call: Call): Promise<void> {
  const { query, signal } = call;
  const source = query.get("fromSrc") ?? "";
  const [repo, tag, message, platform] = ["repo", "tag", "message", "platform"].map((key) => query.get(key));
  if (platform) checkImportPlatform(platform);
  if (source === "") throw new BerthError("api/unreadable-value", 'Get "http:": http: no Host in request URL');
  const name = repo ? parseReference(tag ? `${repo}:${tag}` : repo) : undefined;
  if (name?.digest) throw new BerthError("api/bad-parameter", "cannot import digest reference");
  const stream = progressStream(call.response);
  const input = source === "-" ? call.request : await download(source, signal);
  const id = await importRootfs(images, input, {
    ...(repo ? { ref: tag ? `${repo}:${tag}` : repo } : {}),
    ...(message ? { message } : {}),
    ...(platform ? { platform } : {}),
    config: { config: configWithChanges({}, query.getAll("changes")) },
    signal,
  });
  stream.send({ status: id });
  stream.end();
}

/** A root file system archive behind a URL (`docker import http://...`). */
async function download(url: string, signal: AbortSignal): Promise<Readable> {
  const address = /^https?:\/\//.test(url) ? url : `http://${url}`;
  try {
    const answer = await fetch(address, { signal });
    if (!answer.ok || !answer.body)
      throw new BerthError(
        answer.status === 404 ? "image/not-found" : "image/registry",
        `failed to GET ${address} with status ${answer.status} ${answer.statusText}: ${(await answer.text()).slice(0, 1000).trim()}`,
      );
    return Readable.fromWeb(answer.body as import("node:stream/web").ReadableStream); // the same class, typed twice
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BerthError) throw error;
    const cause = error instanceof Error && error.cause ? error.cause : error;
    throw new BerthError("image/registry", `Get "${address}": ${messageOf(cause)}`, { cause: error });
  }
}

function withoutTag(name: string): string {
  const at = name.lastIndexOf(":");
  return at > name.lastIndexOf("/") ? name.slice(0, at) : name;
}
