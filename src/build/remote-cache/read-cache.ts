import { createHash } from "node:crypto";
import { BerthError } from "../../system/index.ts";
import { type CachedRecord, cacheConfigType, inlineCacheField, json, object, parseCacheConfig, parseRecords } from "./cache-config.ts";
import type { BlobDescriptor, CacheContent } from "./cache-content.ts";

/** What a place has: the results of steps by key, and where their layers are. */
export interface ReadCache {
  readonly records: readonly CachedRecord[];
  readonly layers: readonly (BlobDescriptor & { readonly diffId: string })[];
}

/** A description of a cache is a few hundred bytes a step. */
const maxConfigBytes = 32 << 20;

/**
 * Reads what is cached at a place: a manifest or index that names a cache configuration, or an image with an inline cache. Undefined where the place
 * has nothing; an image without a cache has no records. No layer is fetched.
 * @throws BerthError build/context for damage, and what the place throws
 */
export async function readCache(content: CacheContent): Promise<ReadCache | undefined> {
  const bytes = await content.manifest();
  if (bytes === undefined) return undefined;
  const manifest = object(json(bytes), "the cache's manifest");
  const listed = [manifest["manifests"], manifest["layers"]].flatMap((value) => (Array.isArray(value) ? value.map(descriptor) : []));
  const config =
    manifest["config"] === undefined ? listed.find(({ mediaType }) => mediaType === cacheConfigType) : descriptor(manifest["config"]);
  if (!config) return { records: [], layers: [] };
  const body = await whole(content, config);
  if (config.mediaType !== cacheConfigType) return inlineCache(body, listed);
  const { layers, records } = parseCacheConfig(body);
  const sizes = new Map(listed.map((blob) => [blob.digest, blob]));
  const known = layers.map((layer) => ({ ...layer, ...sizes.get(layer.digest) }));
  return { layers: known, records: records.filter(({ layer }) => known[layer] !== undefined) };
}

/** The records that an image's configuration carries; they name its layers by their place. */
export function inlineRecords(config: Readonly<Record<string, unknown>>): CachedRecord[] {
  const field = config[inlineCacheField];
  return typeof field === "string" ? parseRecords(json(Buffer.from(field, "base64"))) : [];
}

function inlineCache(bytes: Buffer, blobs: readonly BlobDescriptor[]): ReadCache {
  const config = object(json(bytes), "the image's configuration");
  const { diff_ids: diffIds } = object(config["rootfs"] ?? {}, "the image's configuration");
  if (!Array.isArray(diffIds) || diffIds.length !== blobs.length) return { records: [], layers: [] };
  const layers = blobs.map((blob, at) => ({ ...blob, diffId: String(diffIds[at]) }));
  return { layers, records: inlineRecords(config).filter(({ layer }) => layers[layer] !== undefined) };
}

async function whole(content: CacheContent, blob: BlobDescriptor): Promise<Buffer> {
  if (blob.size > maxConfigBytes)
    throw new BerthError("build/context", `the cache's configuration has ${blob.size} bytes, which is too many`);
  const parts: Buffer[] = [];
  for await (const part of content.read(blob, () => undefined)) parts.push(part);
  const bytes = Buffer.concat(parts);
  const found = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  if (found !== blob.digest) throw new BerthError("build/context", `the cache is damaged: ${blob.digest} is ${found}`);
  return bytes;
}

function descriptor(value: unknown): BlobDescriptor {
  const { digest, size, mediaType } = object(value, "the cache's manifest");
  if (typeof digest !== "string" || !/^sha256:[0-9a-f]{64}$/.test(digest) || typeof size !== "number")
    throw new BerthError("build/context", "the cache is damaged: its manifest names something that is no blob");
  return { digest, size, mediaType: typeof mediaType === "string" ? mediaType : "" };
}
