import { createHash } from "node:crypto";
import { closeSync, linkSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, posix } from "node:path";
import type { Readable } from "node:stream";
import { extract } from "tar-stream";
import { BerthError, errnoOf, messageOf } from "../system/index.ts";
import { compressionOf, decompressed } from "./decompress.ts";
import { chainIdsOf, type Descriptor } from "./image-record.ts";
import { mediaTypes, parseConfig, parseManifest, parsePlatform, selectPlatform } from "./manifest.ts";
import { canonicalName, familiarName, parseReference } from "./reference.ts";
import type { ImageStore } from "./store.ts";

interface Member {
  readonly path: string;
  readonly digest: string;
  readonly size: number;
}
interface Contents {
  readonly files: Map<string, Member>;
  readonly links: Map<string, string>;
}
const maxJsonBytes = 32 << 20;

/**
 * Reads a `docker save` archive (old and new form) or an OCI layout, plain or compressed, as it streams in: members go to numbered files
 * (their names are never paths here), then layers that are missing are unpacked and verified.
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
  try {
    const contents = await readMembers(input, work, o.signal);
    const found = contents.files.has("manifest.json") ? dockerImages(contents) : ociImages(contents);
    const loaded: { name?: string; id: string }[] = [];
    for (const image of found) {
      const id = await addImage(store, image, o);
      store.tell({ action: "load", id });
      for (const name of image.names) {
        store.tag(id, name);
        loaded.push({ name: familiarName(name), id });
      }
      if (image.names.length === 0) loaded.push({ id });
    }
    return loaded;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

interface FoundImage {
  readonly config: Buffer;
  readonly layers: readonly Member[];
  readonly names: readonly string[];
}

async function readMembers(input: Readable, work: string, signal: AbortSignal): Promise<Contents> {
  const contents: Contents = { files: new Map(), links: new Map() };
  const tar = extract();
  const onAbort = () => tar.destroy(signal.reason instanceof Error ? signal.reason : new Error("cancelled"));
  signal.addEventListener("abort", onAbort, { once: true });
  const feeding = (async () => {
    try {
      for await (const chunk of decompressed(input as AsyncIterable<Buffer>)) {
        signal.throwIfAborted();
        if (!tar.write(chunk)) await new Promise<void>((resolve) => drained(tar, resolve));
        if (tar.destroyed) return;
      }
      tar.end(Buffer.alloc(0));
    } catch (error) {
      tar.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  })();
  try {
    for await (const entry of tar) {
      const name = posix.normalize(entry.header.name).replace(/^\/+/, "");
      if (entry.header.type === "symlink" || entry.header.type === "link") {
        const target = entry.header.linkname ?? "";
        contents.links.set(name, posix.normalize(entry.header.type === "link" ? target : posix.join(posix.dirname(name), target)));
      }
      if (entry.header.type !== "file" && entry.header.type !== "contiguous-file") {
        entry.resume();
        continue;
      }
      if (contents.files.size > 100_000) throw new BerthError("image/bad-archive", "the archive has too many members for an image");
      const path = join(work, String(contents.files.size));
      const fd = openSync(path, "wx", 0o644);
      const hash = createHash("sha256");
      let size = 0;
      try {
        for await (const chunk of entry as AsyncIterable<Buffer>) {
          hash.update(chunk);
          for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
          size += chunk.length;
        }
      } finally {
        closeSync(fd);
      }
      const member = { path, size, digest: `sha256:${hash.digest("hex")}` };
      const named = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
      if (named !== undefined && member.digest !== `sha256:${named}`)
        throw new BerthError("image/bad-archive", `the archive's ${name} has the content of ${member.digest}`);
      contents.files.set(name, member);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BerthError) throw error;
    if (errnoOf(error) === "ENOSPC" || errnoOf(error) === "EDQUOT")
      throw new BerthError("system/disk-full", "the disk is full while reading the archive", { cause: error });
    throw new BerthError("image/bad-archive", `this is not an image archive: ${messageOf(error)}`, { cause: error });
  } finally {
    signal.removeEventListener("abort", onAbort);
    tar.destroy();
    await feeding;
  }
  return contents;
}

function drained(tar: NodeJS.EventEmitter, resolve: () => void): void {
  const done = () => {
    tar.off("drain", done);
    tar.off("close", done);
    resolve();
  };
  tar.once("drain", done);
  tar.once("close", done);
}

function member(contents: Contents, name: string): Member {
  let at = posix.normalize(name);
  for (let links = 0; links < 10; links += 1) {
    const file = contents.files.get(at);
    if (file) return file;
    const target = contents.links.get(at);
    if (target === undefined) break;
    at = target;
  }
  throw new BerthError("image/bad-archive", `the archive names ${JSON.stringify(name)} and does not have it`);
}

function small(contents: Contents, name: string): Buffer {
  const file = member(contents, name);
  if (file.size > maxJsonBytes) throw new BerthError("image/bad-archive", `the archive's ${JSON.stringify(name)} is too large`);
  return readFileSync(file.path);
}

/** `manifest.json`: [{Config, RepoTags, Layers}]. */
function dockerImages(contents: Contents): FoundImage[] {
  let list: unknown;
  try {
    list = JSON.parse(small(contents, "manifest.json").toString());
  } catch (error) {
    throw new BerthError("image/bad-archive", `the archive's manifest.json: ${messageOf(error)}`);
  }
  if (!Array.isArray(list)) throw new BerthError("image/bad-archive", "the archive's manifest.json is not a list");
  return list.map((item: { Config?: unknown; RepoTags?: unknown; Layers?: unknown }) => {
    if (typeof item?.Config !== "string" || !strings(item.Layers))
      throw new BerthError("image/bad-archive", "the archive's manifest.json is malformed");
    const names = strings(item.RepoTags) ? item.RepoTags : [];
    return {
      config: small(contents, item.Config),
      layers: item.Layers.map((name) => member(contents, name)),
      names: names.map((name) => canonicalName(parseReference(name))),
    };
  });
}

function ociImages(contents: Contents): FoundImage[] {
  if (!contents.files.has("index.json")) {
    const hint = contents.files.has("repositories") ? "It is of Docker before 1.10." : "Root file systems are read by `image import`.";
    throw new BerthError("image/bad-archive", "the archive is no image: it has neither manifest.json nor index.json", { hint });
  }
  const top = parseManifest(small(contents, "index.json"), "the archive's index.json");
  const found = new Map<string, { names: Set<string>; image: Omit<FoundImage, "names"> }>();
  const visit = (d: Descriptor & { annotations?: Readonly<Record<string, string>> }, inherited: string | undefined): void => {
    const name = imageName(d.annotations) ?? inherited;
    const body = parseManifest(small(contents, blobName(d.digest)), `the archive's ${d.digest}`);
    if (body.kind === "index") {
      const here = body.manifests.filter((m) => contents.files.has(blobName(m.digest)));
      const chosen =
        selectPlatform(here, parsePlatform(undefined, { x64: "amd64" }[process.arch as string] ?? process.arch)) ??
        here.find((m) => m.platform?.os === "linux");
      if (!chosen) throw new BerthError("image/unsupported", "the archive's index has no image for this machine");
      visit({ ...chosen, annotations: {} }, name);
      return;
    }
    const config = small(contents, blobName(body.config.digest));
    const entry = found.get(body.config.digest) ?? {
      names: new Set<string>(),
      image: { config, layers: body.layers.map((layer) => member(contents, blobName(layer.digest))) },
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
      return store.addLayer({ parent: chains[at - 1], diffId, file: layer.path, blob, checked: true, signal: o.signal });
    });
    o.onProgress?.({ id: diffId.slice(7, 19), current: layer.size, total: layer.size });
  }
  return store.createImage({ config: image.config });
}

export function layerMediaType(path: string): string {
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
