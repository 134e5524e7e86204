import { createReadStream, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import pLimit from "p-limit";
import { BerthError } from "../system/index.ts";
import { sha256 } from "./image-record.ts";
import { annotated, type ImagePacking, type LayerBlob, packedLayers } from "./layer-blob.ts";
import { mediaTypes } from "./manifest.ts";
import { familiarName, parseReference } from "./reference.ts";
import { RegistryClient } from "./registry-client.ts";
import type { PushOptions } from "./registry-options.ts";
import type { ImageStore } from "./store.ts";

/**
 * Pushes one tag: blobs that the registry lacks (asked by HEAD, mounted from a sibling repository where it has them), then the manifest.
 * @throws BerthError `image/registry`, `image/not-found`
 */
export async function push(store: ImageStore, ref: string, o: PushOptions & ImagePacking): Promise<{ digest: string; size: number }> {
  const reference = parseReference(ref);
  if (reference.digest) throw new BerthError("image/bad-reference", "cannot push a digest reference");
  const image = store.get(ref);
  const { repository } = reference;
  const from = siblingRepository(image.repoDigests, reference.domain, repository);
  const scope = `repository:${repository}:pull,push${from ? ` repository:${from}:pull` : ""}`;
  const client = new RegistryClient({
    domain: reference.domain,
    signal: o.signal,
    ...(o.auth ? { auth: o.auth } : {}),
    ...(o.settings ? { settings: o.settings } : {}),
  });
  o.onProgress?.({ status: `The push refers to repository [${reference.domain}/${repository}]` });
  try {
    return await store.transferring(async () => {
      const layers = await packedLayers(store, image, o);
      const configBytes = store.configBytes(image.id);
      const config: LayerBlob = {
        digest: image.id,
        size: configBytes.length,
        mediaType: mediaTypes.ociConfig,
        read: () => createReadStream(store.blobPath(image.id)) as AsyncIterable<Buffer>,
      };
      const limit = pLimit(5);
      const unique = [...new Map([...layers, config].map((blob) => [blob.digest, blob])).values()];
      const results = await Promise.allSettled(
        unique.map((blob) => limit(() => pushBlob(client, repository, blob, scope, from, blob === config ? { signal: o.signal } : o))),
      );
      const failed = results.find((result) => result.status === "rejected");
      if (failed) throw failed.reason;
      const extra = annotated(o);
      const manifest = (extra.annotations ? undefined : storedManifest(store, image.id, layers)) ?? {
        mediaType: mediaTypes.ociManifest,
        bytes: Buffer.from(
          JSON.stringify({
            schemaVersion: 2,
            mediaType: mediaTypes.ociManifest,
            config: { mediaType: mediaTypes.ociConfig, digest: config.digest, size: config.size },
            layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
            ...extra,
          }),
        ),
      };
      const digest = sha256(manifest.bytes);
      const tag = reference.tag ?? "latest";
      const response = await client.request({
        method: "PUT",
        path: `${repository}/manifests/${tag}`,
        headers: { "content-type": manifest.mediaType },
        body: manifest.bytes,
        accept: [200, 201, 202],
        scope,
      });
      await response.body.dump();
      store.putBlob(manifest.bytes);
      store.addDigest(image.id, `${reference.domain}/${repository}@${digest}`, [digest]);
      store.tell({ action: "push", id: image.id, name: familiarName(ref) });
      o.onProgress?.({ status: `${tag}: digest: ${digest} size: ${manifest.bytes.length}` });
      return { digest, size: manifest.bytes.length };
    });
  } finally {
    await client.close();
  }
}

/** The manifest that the image was pulled with, when all of it is still what would be pushed: then its digest stays. */
function storedManifest(store: ImageStore, id: string, layers: readonly LayerBlob[]): { bytes: Buffer; mediaType: string } | undefined {
  for (const digest of store.manifestsOf(id)) {
    const bytes = readFileSync(store.blobPath(digest));
    const body = JSON.parse(bytes.toString()) as { mediaType?: string; layers?: { digest: string }[] }; // parsed when it was stored
    if (body.layers && body.layers.length === layers.length && body.layers.every((layer, at) => layer.digest === layers[at]?.digest))
      return { bytes, mediaType: body.mediaType ?? mediaTypes.ociManifest };
  }
  return undefined;
}

/** One blob, unless the registry has it. */
export async function pushBlob(
  client: RegistryClient,
  repository: string,
  blob: LayerBlob,
  scope: string,
  from: string | undefined,
  o: Pick<PushOptions, "signal" | "onProgress">,
): Promise<void> {
  const id = blob.digest.slice(7, 19);
  const say = (status: string, current?: number) =>
    o.onProgress?.({ id, status, ...(current === undefined ? {} : { current, total: blob.size }) });
  say("Preparing");
  const head = await client.request({ method: "HEAD", path: `${repository}/blobs/${blob.digest}`, accept: [200, 404], scope });
  await head.body.dump();
  if (head.statusCode === 200) {
    say("Layer already exists");
    return;
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      await upload(client, repository, blob, { scope, from, say });
      return;
    } catch (error) {
      o.signal.throwIfAborted();
      // An upload that broke off begins again: its session is spent.
      const broken =
        error instanceof BerthError &&
        error.code === "image/registry" &&
        (error.cause !== undefined || /answered 5\d\d/.test(error.message));
      if (!broken || attempt >= 5) throw error;
      say("Retrying");
      await delay(250 * 2 ** attempt, undefined, { signal: o.signal });
    }
  }
}

async function upload(
  client: RegistryClient,
  repository: string,
  blob: LayerBlob,
  o: { scope: string; from: string | undefined; say: (status: string, current?: number) => void },
): Promise<void> {
  const { scope, from, say } = o;
  const query = from ? `?mount=${encodeURIComponent(blob.digest)}&from=${encodeURIComponent(from)}` : "";
  const started = await client.request({ method: "POST", path: `${repository}/blobs/uploads/${query}`, accept: [201, 202], scope });
  await started.body.dump();
  if (started.statusCode === 201) {
    say(`Mounted from ${from}`);
    return;
  }
  const location = [started.headers["location"] ?? []].flat()[0];
  if (location === undefined) throw new BerthError("image/registry", `${client.domain} began an upload and did not say where`);
  const base = await client.url(location);
  base.searchParams.append("digest", blob.digest);
  const body = async function* (): AsyncGenerator<Buffer> {
    let sent = 0;
    for await (const chunk of blob.read()) {
      sent += chunk.length;
      yield chunk;
      say("Pushing", sent);
    }
  };
  const headers = { "content-type": "application/octet-stream", "content-length": String(blob.size) };
  const done = await client.request({ method: "PUT", path: base.href, headers, body, accept: [201, 204], scope, retry: false });
  await done.body.dump();
  say("Pushed");
}

/** Another repository on the same registry that holds this image: its blobs can be mounted. */
function siblingRepository(repoDigests: readonly string[], domain: string, repository: string): string | undefined {
  return repoDigests.map((text) => parseReference(text)).find((other) => other.domain === domain && other.repository !== repository)
    ?.repository;
}
