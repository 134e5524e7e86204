import { closeSync, linkSync, openSync, readSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import { BerthError, messageOf } from "../system/index.ts";
import { ArchiveMembers, type Member } from "./archive-members.ts";
import { compressionOf } from "./decompress.ts";
import { chainIdsOf, type Descriptor } from "./image-record.ts";
import { mediaTypes, parseConfig, parseManifest, parsePlatform, selectPlatform } from "./manifest.ts";
import { canonicalName, familiarName, parseReference } from "./reference.ts";
import type { ImageStore } from "./store.ts";

/**
 * Reads a `docker save` archive (old and new form) or an OCI layout, plain or compressed, as it streams in. Layers that are missing are unpacked,
 * most of them while they arrive, and verified.
 * @throws BerthError `image/bad-archive`, `image/unsupported`, `system/disk-full`
 */
export function loadArchive(
  store: ImageStore,
  input: Readable,
  signal: AbortSignal,
  onProgress?: LoadProgress,
): Promise<{ name?: string; id: string }[]> {
  return store.transferring(() => load(store, input, { signal, ...(onProgress ? { onProgress } : {}) }));
}

export type LoadProgress = (e: { id: string; current: number; total: number }) => void;

async function load(
  store: ImageStore,
  input: Readable,
  o: { signal: AbortSignal; onProgress?: LoadProgress },
): Promise<{ name?: string; id: string }[]> {
  const work = store.newTemp();
  const members = new ArchiveMembers(store, work);
  try {
    await members.read(input, o.signal);
    const found = members.has("manifest.json") ? dockerImages(members) : ociImages(members);
    const loaded: { name?: string; id: string }[] = [];
    for (const image of found) {
      const id = await addImage(store, image, o);
      store.tell({ action: "load", id });
      for (const name of image.names) {
        store.nameQuietly(id, name);
        loaded.push({ name: familiarName(name), id });
      }
      if (image.names.length === 0) loaded.push({ id });
    }
    return loaded;
  } finally {
    await members.discard();
    await rm(work, { recursive: true, force: true });
  }
}

interface FoundImage {
  readonly config: Buffer;
  readonly layers: readonly Member[];
  readonly names: readonly string[];
}

/** `manifest.json`: [{Config, RepoTags, Layers}]. */
function dockerImages(members: ArchiveMembers): FoundImage[] {
  let list: unknown;
  try {
    list = JSON.parse(members.text("manifest.json").toString());
  } catch (error) {
    throw new BerthError("image/bad-archive", `the archive's manifest.json: ${messageOf(error)}`);
  }
  if (!Array.isArray(list)) throw new BerthError("image/bad-archive", "the archive's manifest.json is not a list");
  return list.map((item: { Config?: unknown; RepoTags?: unknown; Layers?: unknown }) => {
    if (typeof item?.Config !== "string" || !strings(item.Layers))
      throw new BerthError("image/bad-archive", "the archive's manifest.json is malformed");
    const names = strings(item.RepoTags) ? item.RepoTags : [];
    return {
      config: members.text(item.Config),
      layers: item.Layers.map((name) => members.get(name)),
      names: names.map((name) => canonicalName(parseReference(name))),
    };
  });
}

function ociImages(members: ArchiveMembers): FoundImage[] {
  if (!members.has("index.json")) {
    const hint = members.has("repositories") ? "It is of Docker before 1.10." : "Root file systems are read by `image import`.";
    throw new BerthError("image/bad-archive", "the archive is no image: it has neither manifest.json nor index.json", { hint });
  }
  const top = parseManifest(members.text("index.json"), "the archive's index.json");
  const found = new Map<string, { names: Set<string>; image: Omit<FoundImage, "names"> }>();
  const visit = (d: Descriptor & { annotations?: Readonly<Record<string, string>> }, inherited: string | undefined): void => {
    const name = imageName(d.annotations) ?? inherited;
    const body = parseManifest(members.text(blobName(d.digest)), `the archive's ${d.digest}`);
    if (body.kind === "index") {
      const here = body.manifests.filter((m) => members.has(blobName(m.digest)));
      const chosen =
        selectPlatform(here, parsePlatform(undefined, { x64: "amd64" }[process.arch as string] ?? process.arch)) ??
        here.find((m) => m.platform?.os === "linux");
      if (!chosen) throw new BerthError("image/unsupported", "the archive's index has no image for this machine");
      visit({ ...chosen, annotations: {} }, name);
      return;
    }
    const config = members.text(blobName(body.config.digest));
    const entry = found.get(body.config.digest) ?? {
      names: new Set<string>(),
      image: { config, layers: body.layers.map((layer) => members.get(blobName(layer.digest))) },
    };
    if (name !== undefined) entry.names.add(name);
    found.set(body.config.digest, entry);
  };
  if (top.kind !== "index") throw new BerthError("image/bad-archive", "the archive's index.json is not an index");
  for (const d of top.manifests) visit(d, undefined);
  return [...found.values()].map(({ names, image }) => ({ ...image, names: [...names] }));
}

/** `ref.name` may be a tag alone ("latest"), which names no repository: then the image has no name. */
function imageName(annotations: Readonly<Record<string, string>> | undefined): string | undefined {
  const full = annotations?.["io.containerd.image.name"];
  const ref = annotations?.["org.opencontainers.image.ref.name"];
  const text = full ?? (ref !== undefined && /[/:]/.test(ref) ? ref : undefined);
  if (text === undefined) return undefined;
  const reference = parseReference(text);
  return reference.digest === undefined ? canonicalName(reference) : undefined;
}

function blobName(digest: string): string {
  return `blobs/sha256/${digest.slice("sha256:".length)}`;
}

async function addImage(store: ImageStore, image: FoundImage, o: { signal: AbortSignal; onProgress?: LoadProgress }): Promise<string> {
  const config = parseConfig(image.config, "the image's configuration");
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== image.layers.length) {
    throw new BerthError("image/bad-archive", `the image has ${image.layers.length} layers, its configuration names ${diffIds.length}`);
  }
  const chains = chainIdsOf(diffIds);
  for (const [at, layer] of image.layers.entries()) {
    const diffId = diffIds[at]!; // same length
    o.onProgress?.({ id: diffId.slice(7, 19), current: 0, total: layer.size });
    await store.layerOnce(chains[at]!, async () => {
      const mediaType = layerMediaType(layer.path);
      const blob = { digest: layer.digest, size: layer.size, mediaType };
      store.touch(layer.digest);
      if (!store.hasBlob(layer.digest)) linkSync(layer.path, store.blobPath(layer.digest));
      const unpacked = layer.unpacked === undefined ? {} : { unpacked: layer.unpacked };
      return store.addLayer({ parent: chains[at - 1], diffId, file: layer.path, ...unpacked, blob, checked: true, signal: o.signal });
    });
    o.onProgress?.({ id: diffId.slice(7, 19), current: layer.size, total: layer.size });
  }
  return store.createImage({ config: image.config });
}

function layerMediaType(path: string): string {
  const fd = openSync(path, "r");
  const head = Buffer.alloc(6);
  readSync(fd, head);
  closeSync(fd);
  const kind = compressionOf(head);
  return kind === "gzip" || kind === "zstd" ? `${mediaTypes.ociLayer}+${kind}` : mediaTypes.ociLayer;
}

function strings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
