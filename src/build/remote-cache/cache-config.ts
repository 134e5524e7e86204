import { BerthError } from "../../system/index.ts";
import type { BlobDescriptor } from "./cache-content.ts";

/**
 * BuildKit's description of a cache (cache/remotecache/v1/types/spec.go), with this builder's own keys as the records' digests: a layer is named
 * by its place in `layers`, its parent likewise. Records of one layer are one step's: the first is the key by content, others by definition. E.g.
 * {"layers":[{"blob":"sha256:..","parent":-1,"annotations":{"mediaType":"..","diffID":"sha256:..","size":5,"createdAt":".."}}],
 *  "records":[{"layers":[{"layer":0,"createdAt":".."}],"digest":"sha256:.."}]}
 */
export interface CacheConfig {
  readonly layers: readonly CachedLayer[];
  readonly records: readonly CachedRecord[];
}

export interface CachedLayer extends BlobDescriptor {
  readonly parent: number;
  readonly diffId: string;
}

export interface CachedRecord {
  readonly key: string;
  readonly layer: number;
  readonly createdIso: string;
}

export const cacheConfigType = "application/vnd.buildkit.cacheconfig.v0";
/** The field of an image's configuration that carries an inline cache: the records alone, in base64. */
export const inlineCacheField = "moby.buildkit.cache.v0";

export function formatCacheConfig({ layers, records }: CacheConfig, createdIso: (layer: number) => string): Buffer {
  const body = {
    layers: layers.map(({ digest, size, mediaType, parent, diffId }, at) => ({
      blob: digest,
      parent,
      annotations: { mediaType, diffID: diffId, size, createdAt: createdIso(at) },
    })),
    records: formatRecords(records),
  };
  return Buffer.from(JSON.stringify(body));
}

export function formatRecords(records: readonly CachedRecord[]): object[] {
  return records.map(({ key, layer, createdIso }) => ({ layers: [{ layer, createdAt: createdIso }], digest: `sha256:${key}` }));
}

/** @throws BerthError build/context where it is not such a description */
export function parseCacheConfig(bytes: Buffer): CacheConfig {
  const body = object(json(bytes), "the cache's configuration");
  const layers = list(body["layers"]).map((value): CachedLayer => {
    const { blob, parent, annotations } = object(value, "a layer of the cache");
    const { mediaType, diffID, size } = object(annotations ?? {}, "a layer of the cache");
    return {
      digest: digest(blob),
      diffId: digest(diffID),
      mediaType: typeof mediaType === "string" ? mediaType : "",
      size: typeof size === "number" ? size : 0,
      parent: typeof parent === "number" ? parent : 0,
    };
  });
  return { layers, records: parseRecords(body["records"]) };
}

/** What other builders write and is no record of a single layer is passed over. @throws BerthError build/context */
export function parseRecords(value: unknown): CachedRecord[] {
  return list(value).flatMap((item) => {
    const record = object(item, "a record of the cache");
    const result = list(record["layers"])[0];
    if (result === undefined || typeof record["digest"] !== "string") return [];
    const { layer, createdAt } = object(result, "a record of the cache");
    if (typeof layer !== "number" || !Number.isInteger(layer) || layer < 0) return [];
    const created = typeof createdAt === "string" && Number.isFinite(Date.parse(createdAt)) ? createdAt : "1970-01-01T00:00:00Z";
    return [{ key: digest(record["digest"]).slice("sha256:".length), layer, createdIso: created }];
  });
}

export function json(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw new BerthError("build/context", "the cache is damaged: it is not JSON", { cause: error });
  }
}

export function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new BerthError("build/context", `${what} is damaged: it is not an object`);
  return value as Record<string, unknown>; // just checked
}

function list(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new BerthError("build/context", "the cache is damaged: a list was expected");
  return value;
}

function digest(value: unknown): string {
  if (typeof value !== "string" || !/^sha256:[0-9a-f]{64}$/.test(value))
    throw new BerthError("build/context", "the cache is damaged: a sha256 digest was expected");
  return value;
}
