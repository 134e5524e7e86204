import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import pLimit from "p-limit";
import { BerthError, messageOf } from "../../system/index.ts";
import type { BuildImages } from "../images.ts";
import type { Progress } from "../progress.ts";
import { cacheConfigType, formatCacheConfig } from "./cache-config.ts";
import type { BlobDescriptor, CacheContent, OpenCache } from "./cache-content.ts";
import { type CacheEntry, type CacheExportOptions, entryName, exportOptions } from "./cache-entry.ts";
import type { CompressedLayers } from "./compressed-layers.ts";
import type { UsedStep } from "./used-steps.ts";

export interface ExportOptions {
  readonly images: BuildImages;
  readonly compressed: CompressedLayers;
  readonly open: OpenCache | undefined;
  readonly progress: Progress;
  /** For packed layers on their way. */
  readonly scratch: string;
  readonly signal: AbortSignal;
  /** Brings layers here that are known by name only. */
  ensure(layers: readonly { readonly chainId: string }[]): Promise<void>;
}

/**
 * Writes the results of a build's steps to a place in BuildKit's layout: blobs that are not there, the configuration, then the manifest, whose
 * descriptor it answers. With `ignore-error` a failure is a warning.
 * @throws BerthError what the place says
 */
export async function exportCache(entry: CacheEntry, steps: readonly UsedStep[], o: ExportOptions): Promise<BlobDescriptor | undefined> {
  const options = exportOptions(entry);
  const vertex = o.progress.declare(`exporting cache to ${entryName(entry)}`);
  try {
    return await o.progress.run(vertex, async (step) => {
      if (steps.length === 0) {
        void step.log(2, "skipping cache export for empty result\n");
        return undefined;
      }
      if (!o.open) throw new BerthError("build/unsupported", "no cache can be written here");
      await o.ensure(steps);
      const content = await o.open(entry, { purpose: "export", signal: o.signal });
      try {
        return await write(content, steps, options, {
          ...o,
          done: (id) => o.progress.transfer(vertex, { id, current: 0, total: 0, done: true }),
        });
      } finally {
        await content.close();
      }
    });
  } catch (error) {
    o.signal.throwIfAborted();
    if (!options.ignoreError) throw error;
    o.progress.warn(`the cache was not exported to ${entryName(entry)}: ${messageOf(error)}`);
    return undefined;
  }
}

async function write(
  content: CacheContent,
  steps: readonly UsedStep[],
  options: CacheExportOptions,
  o: ExportOptions & { done: (what: string) => void },
): Promise<BlobDescriptor> {
  const limit = pLimit(3);
  const blobs = await settled(steps.map((step) => limit(() => writeLayer(content, step, options, o))));
  const places = new Map(steps.map((step, at) => [step.chainId, at]));
  const layers = steps.map(({ parent, diffId }, at) => ({
    ...blobs[at]!,
    diffId,
    parent: parent === undefined ? -1 : (places.get(parent) ?? -1),
  }));
  const records = steps.flatMap(({ key, definitions, createdIso }, layer) =>
    [key, ...definitions].map((name) => ({ key: name, layer, createdIso })),
  );
  const config = blobOf(
    formatCacheConfig({ layers, records }, (layer) => steps[layer]!.createdIso),
    cacheConfigType,
  );
  await content.write(config.blob, () => once(config.bytes));
  o.done(`writing config ${config.blob.digest}`);
  const annotated = layers.map(({ digest, size, mediaType, diffId }, at) => ({
    mediaType,
    digest,
    size,
    annotations: { "buildkit/createdat": steps[at]!.createdIso, "containerd.io/uncompressed": diffId },
  }));
  const unique = [...new Map(annotated.map((layer) => [layer.digest, layer])).values()];
  const { digest, size } = config.blob;
  const configDescriptor = { mediaType: cacheConfigType, digest, size };
  const mediaType = manifestType(options);
  const manifest = blobOf(
    Buffer.from(
      JSON.stringify(
        options.imageManifest
          ? { schemaVersion: 2, mediaType, config: configDescriptor, layers: unique }
          : { schemaVersion: 2, mediaType, manifests: [...unique, configDescriptor] },
      ),
    ),
    mediaType,
  );
  await content.writeManifest(manifest.blob, manifest.bytes);
  o.done(`writing cache manifest ${manifest.blob.digest}`);
  return manifest.blob;
}

async function writeLayer(
  content: CacheContent,
  step: UsedStep,
  options: CacheExportOptions,
  o: ExportOptions & { done: (what: string) => void },
): Promise<BlobDescriptor> {
  const { images, compressed } = o;
  const archive = images.layerArchive?.(step.chainId);
  if (!archive) throw new BerthError("build/unsupported", "the image store gives no archives");
  const typed = ({ digest, size, mediaType }: BlobDescriptor) => ({
    digest,
    size,
    mediaType: options.ociMediaTypes ? mediaType : dockerType(mediaType),
  });
  const before = compressed.asIs(archive, options) ?? compressed.remembered(step.diffId, options);
  if (before && (await content.has(before))) {
    o.done(`layer ${before.digest} exists`);
    return typed(before);
  }
  let ready = compressed.asIs(archive, options);
  if (!ready) {
    const directory = join(o.scratch, "packed");
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    ready = await compressed.pack(archive, step.diffId, { ...options, directory, signal: o.signal });
  }
  const { read } = ready;
  await content.write(ready, read);
  o.done(`writing layer ${ready.digest}`);
  return typed(ready);
}

function manifestType({ imageManifest, ociMediaTypes }: CacheExportOptions): string {
  if (imageManifest) return "application/vnd.oci.image.manifest.v1+json";
  return ociMediaTypes ? "application/vnd.oci.image.index.v1+json" : "application/vnd.docker.distribution.manifest.list.v2+json";
}

function dockerType(mediaType: string): string {
  return mediaType.replace("application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.diff.tar").replace(/\+/, ".");
}

function blobOf(bytes: Buffer, mediaType: string): { bytes: Buffer; blob: BlobDescriptor } {
  return { bytes, blob: { digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`, size: bytes.length, mediaType } };
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** All of them, or the first failure when none is going on any more. */
async function settled<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
  return await Promise.all(work);
}
