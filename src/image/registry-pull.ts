import { createReadStream, readFileSync } from "node:fs";
import pLimit from "p-limit";
import type { ImageConfig } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { chainIdsOf, type Descriptor, sha256 } from "./image-record.ts";
import { type Manifest, mediaTypes, parseConfig, parseManifest, parsePlatform, platformText, selectPlatform } from "./manifest.ts";
import { canonicalName, familiarName, familiarRepository, parseReference, type Reference } from "./reference.ts";
import { discardPartial, downloadBlob } from "./registry-blob.ts";
import { RegistryClient } from "./registry-client.ts";
import type { PullOptions } from "./registry-options.ts";
import { readRegistrySettings } from "./registry-settings.ts";
import type { ImageStore } from "./store.ts";

const accepted = [mediaTypes.ociIndex, mediaTypes.ociManifest, mediaTypes.dockerList, mediaTypes.dockerManifest].join(", ");

/**
 * Pulls an image by tag or digest and tags it; resolves to its id. Layers come three at a time and are unpacked while they do. Interrupted
 * downloads are kept and taken up by the next pull.
 * @throws BerthError `image/registry`, `image/not-found`, `image/unsupported`, `system/disk-full`
 */
export async function pull(store: ImageStore, ref: string, o: PullOptions): Promise<string> {
  return await withRegistry(store, ref, o, async (client, reference, options) => {
    if (!options.allTags) return pullOne(store, client, reference, options);
    const { domain, repository } = reference;
    const pulled: { id: string; isNew: boolean }[] = [];
    for (const tag of await allTags(client, reference)) pulled.push(await pullTag(store, client, { domain, repository, tag }, options));
    const last = pulled.at(-1);
    if (!last) throw new BerthError("image/not-found", `${domain}/${repository} has no tags`);
    options.onProgress?.({
      status: pullStatus(
        familiarRepository(reference),
        pulled.some(({ isNew }) => isNew),
      ),
    });
    return last.id;
  });
}

type Work<T> = (client: RegistryClient, reference: Reference, o: PullOptions) => Promise<T>;

/** Works with the registry that a reference is in, or with the first of its mirrors that can do it: one that cannot is passed over. */
export async function withRegistry<T>(store: ImageStore, ref: string, o: PullOptions, work: Work<T>): Promise<T> {
  const reference = parseReference(ref);
  const settings = o.settings ?? readRegistrySettings(process.env);
  const mirrors = reference.domain === "docker.io" ? (settings.mirrors ?? []) : [];
  for (const mirror of mirrors) {
    try {
      return await inRegistry(store, reference, { ...o, settings }, work, mirror);
    } catch (error) {
      o.signal.throwIfAborted();
      if (!(error instanceof BerthError) || error.code === "system/disk-full") throw error;
      o.onProgress?.({ status: `Mirror ${mirror}: ${error.message}` });
    }
  }
  return await inRegistry(store, reference, { ...o, settings }, work);
}

async function inRegistry<T>(store: ImageStore, reference: Reference, o: PullOptions, work: Work<T>, mirror?: string): Promise<T> {
  const client = new RegistryClient({
    domain: reference.domain,
    signal: o.signal,
    ...(mirror ? { mirror } : {}),
    ...(o.auth && !mirror ? { auth: o.auth } : {}),
    ...(o.settings ? { settings: o.settings } : {}),
  });
  try {
    return await store.transferring(() => work(client, reference, o));
  } finally {
    await client.close();
  }
}

async function pullOne(store: ImageStore, client: RegistryClient, reference: Reference, o: PullOptions): Promise<string> {
  const { id, isNew } = await pullTag(store, client, reference, o);
  o.onProgress?.({ status: pullStatus(familiarName(canonicalName(reference)), isNew) });
  return id;
}

const pullStatus = (name: string, isNew: boolean): string =>
  `Status: ${isNew ? "Downloaded newer image" : "Image is up to date"} for ${name}`;

async function pullTag(
  store: ImageStore,
  client: RegistryClient,
  reference: Reference,
  o: PullOptions,
): Promise<{ id: string; isNew: boolean }> {
  const { repository } = reference;
  const say = (status: string, id?: string) => o.onProgress?.(id === undefined ? { status } : { status, id });
  const { top, found } = await manifestOf(store, client, reference, o, () =>
    say(`Pulling from ${repository}`, reference.digest ? familiarName(canonicalName(reference)) : reference.tag),
  );
  const id = await fetchImage(store, client, repository, found.parsed, o);
  const blobs = [...new Set([found, top])].map((manifest) => store.putBlob(manifest.bytes));
  store.addDigest(id, `${reference.domain}/${repository}@${top.digest}`, blobs);
  const name = canonicalName({ domain: reference.domain, repository, ...(reference.tag ? { tag: reference.tag } : {}) });
  const old = reference.tag === undefined || reference.digest !== undefined ? undefined : store.resolve(name)?.id;
  if (reference.tag !== undefined && reference.digest === undefined && old !== id) store.nameQuietly(id, name);
  store.tell({ action: "pull", id, name: familiarName(canonicalName(reference)) });
  say(`Digest: ${top.digest}`);
  return { id, isNew: old !== id };
}

/**
 * The configuration of an image that a registry has, without its layers, and its manifest's digest. Undefined where mirrors are set: a pull finds out which of them has it.
 * @throws BerthError as `pull` does
 */
export async function remoteConfig(
  store: ImageStore,
  ref: string,
  o: PullOptions,
): Promise<{ config: ImageConfig; digest: string } | undefined> {
  const reference = parseReference(ref);
  const settings = o.settings ?? readRegistrySettings(process.env);
  if (reference.domain === "docker.io" && settings.mirrors?.length) return undefined;
  const client = new RegistryClient({ domain: reference.domain, signal: o.signal, settings, ...(o.auth ? { auth: o.auth } : {}) });
  try {
    return await store.transferring(async () => {
      const top = await fetchManifest(client, reference.repository, reference.digest ?? reference.tag ?? "latest");
      const { parsed, digest } = await ofPlatform(store, client, reference, top, o);
      const bytes = await wholeBlob(store, client, reference.repository, parsed.config, o);
      return { config: parseConfig(bytes, "the image's configuration"), digest };
    });
  } finally {
    await client.close();
  }
}

type Fetched = Awaited<ReturnType<typeof fetchManifest>>;

/** What a reference means in its registry, and of that the manifest of one platform. */
export async function manifestOf(
  store: ImageStore,
  client: RegistryClient,
  reference: Reference,
  o: Pick<PullOptions, "platform">,
  onFound?: () => void,
): Promise<{ top: Fetched; found: Fetched & { parsed: Manifest } }> {
  const top = await fetchManifest(client, reference.repository, reference.digest ?? reference.tag ?? "latest");
  onFound?.();
  return { top, found: await ofPlatform(store, client, reference, top, o) };
}

/** The manifest of one platform, where there may be several. */
async function ofPlatform(
  store: ImageStore,
  client: RegistryClient,
  reference: Reference,
  top: Fetched,
  o: Pick<PullOptions, "platform">,
): Promise<Fetched & { parsed: Manifest }> {
  let found = top;
  if (top.parsed.kind === "index") {
    const platform = parsePlatform(o.platform, store.host.architecture);
    const chosen = selectPlatform(top.parsed.manifests, platform);
    if (!chosen) {
      const offered = top.parsed.manifests
        .flatMap((m) => (m.platform && m.platform.os !== "unknown" ? [platformText(m.platform)] : []))
        .join(", ");
      throw new BerthError(
        "image/not-found",
        `no matching manifest for ${platformText(platform)} in the manifest list entries of ${familiarName(canonicalName(reference))}`,
        { hint: `It has: ${offered}.` },
      );
    }
    found = await fetchManifest(client, reference.repository, chosen.digest);
  }
  if (found.parsed.kind === "index") throw new BerthError("image/unsupported", "an index inside an index is not supported");
  return { ...found, parsed: found.parsed };
}

/** A manifest or an index, checked against its digest. */
export async function fetchManifest(client: RegistryClient, repository: string, which: string) {
  const { bytes, digest } = await fetchRawManifest(client, repository, which);
  return { bytes, digest, parsed: parseManifest(bytes, `the manifest of ${repository}:${which}`) };
}

/** The same without a look at what it says. @throws BerthError `image/not-found`, `image/registry` */
export async function fetchRawManifest(
  client: RegistryClient,
  repository: string,
  which: string,
): Promise<{ bytes: Buffer; digest: string }> {
  const response = await client
    .request({
      method: "GET",
      path: `${repository}/manifests/${which}`,
      headers: { accept: accepted },
      accept: [200],
      scope: `repository:${repository}:pull`,
    })
    .catch((error: unknown) => {
      if (!(error instanceof BerthError) || error.code !== "image/not-found" || error.message.startsWith("pull access denied")) throw error;
      const name = familiarName(`${client.domain}/${repository}${which.startsWith("sha256:") ? "@" : ":"}${which}`);
      throw new BerthError("image/not-found", `manifest for ${name} not found: manifest unknown: manifest unknown`, { cause: error });
    });
  const bytes = Buffer.from(await response.body.arrayBuffer());
  const digest = sha256(bytes);
  const said = [response.headers["docker-content-digest"] ?? []].flat()[0];
  if (which.startsWith("sha256:") && digest !== which)
    throw new BerthError("image/registry", `manifest verification failed for digest ${which}: the registry sent ${digest}`);
  if (said?.startsWith("sha256:") && said !== digest)
    throw new BerthError("image/registry", `the manifest of ${repository}:${which} is ${digest}, the registry says ${said}`);
  return { bytes, digest };
}

async function fetchImage(
  store: ImageStore,
  client: RegistryClient,
  repository: string,
  manifest: Manifest,
  o: PullOptions,
): Promise<string> {
  if (store.resolve(manifest.config.digest)?.id === manifest.config.digest) return manifest.config.digest;
  const { bytes } = await layersOf(store, client, repository, manifest, o);
  return store.createImage({ config: bytes });
}

export interface Image {
  /** The configuration as it came, and what it says. */
  readonly bytes: Buffer;
  readonly config: ImageConfig;
  readonly chainIds: readonly string[];
}

/** Brings the layers of an image into the store, and its configuration. */
export async function layersOf(
  store: ImageStore,
  client: RegistryClient,
  repository: string,
  manifest: Manifest,
  o: PullOptions,
): Promise<Image> {
  for (const layer of manifest.layers) {
    if (/foreign|nondistributable/.test(layer.mediaType) && layer.urls?.length)
      throw new BerthError(
        "image/unsupported",
        `layer ${layer.digest} is of a foreign type (${layer.mediaType}), which the registry does not hold`,
      );
  }
  const configBytes = await wholeBlob(store, client, repository, manifest.config, o);
  const config = parseConfig(configBytes, "the image's configuration");
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length)
    throw new BerthError("image/bad-archive", `the image has ${manifest.layers.length} layers, its configuration names ${diffIds.length}`);
  const chains = chainIdsOf(diffIds);
  const abort = new AbortController();
  const signal = AbortSignal.any([o.signal, abort.signal]);
  const limit = pLimit(3);
  const layers = manifest.layers.map((layer, at) =>
    limit(async () => {
      const id = layer.digest.slice(7, 19);
      const say = (status: string, current?: number) =>
        o.onProgress?.({ id, status, ...(current === undefined ? {} : { current, total: layer.size }) });
      if (store.hasLayer(chains[at]!)) {
        say("Already exists");
        return;
      }
      await store.layerOnce(chains[at]!, async () => {
        say("Pulling fs layer");
        const descriptor = { digest: layer.digest, size: layer.size, mediaType: layer.mediaType };
        const input = store.hasBlob(layer.digest)
          ? (createReadStream(store.blobPath(layer.digest), { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>)
          : downloadBlob(store, client, repository, descriptor, { signal, onBytes: (current) => say("Downloading", current) });
        const record = await store
          .addLayer({ parent: chains[at - 1], diffId: diffIds[at]!, input, blob: descriptor, checked: true, signal })
          .catch((error: unknown) => {
            // What cannot be unpacked is not taken up again.
            if (error instanceof BerthError && error.code.endsWith("-archive")) discardPartial(store, layer.digest);
            throw error;
          });
        say("Pull complete");
        return record;
      });
    }).catch((error: unknown) => {
      // The siblings stop too; what they have is kept.
      abort.abort(error);
      throw error;
    }),
  );
  const results = await Promise.allSettled(layers);
  o.signal.throwIfAborted();
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw abort.signal.reason ?? failed.reason;
  return { bytes: configBytes, config, chainIds: chains };
}

async function wholeBlob(store: ImageStore, client: RegistryClient, repository: string, blob: Descriptor, o: PullOptions): Promise<Buffer> {
  if (blob.size > 32 << 20) throw new BerthError("image/bad-archive", `a configuration of ${blob.size} bytes`);
  if (!store.hasBlob(blob.digest))
    for await (const _ of downloadBlob(store, client, repository, blob, { signal: o.signal, onBytes: () => undefined }));
  return readFileSync(store.blobPath(blob.digest));
}

/** @throws BerthError image/not-found in Docker's words */
async function allTags(client: RegistryClient, reference: Reference): Promise<string[]> {
  try {
    return await tagsOf(client, reference.repository);
  } catch (error) {
    if (!(error instanceof BerthError) || error.code !== "image/not-found" || error.message.startsWith("pull access denied")) throw error;
    const why = error.message.replace(/^.*? not found: /, "");
    throw new BerthError("image/not-found", `repository ${familiarRepository(reference)} not found: ${why}`, { cause: error });
  }
}

/** Every tag, page by page (`Link: <...>; rel="next"`). */
async function tagsOf(client: RegistryClient, repository: string): Promise<string[]> {
  const tags: string[] = [];
  for (let path: string | undefined = `${repository}/tags/list?n=1000`; path !== undefined; ) {
    const response = await client.request({ method: "GET", path, accept: [200], scope: `repository:${repository}:pull` });
    const body = (await response.body.json()) as { tags?: string[] | null }; // distribution-spec
    tags.push(...(body.tags ?? []));
    const link: string | undefined = /<\/v2\/([^>]+)>;\s*rel="?next"?/.exec([response.headers["link"] ?? []].flat()[0] ?? "")?.[1];
    path = link;
  }
  return tags;
}
