import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { BerthError } from "../system/index.ts";
import { type StoredImage, sha256 } from "./image-record.ts";
import { annotated, type ImagePacking, type LayerBlob, packedLayers } from "./layer-blob.ts";
import { mediaTypes } from "./manifest.ts";
import { canonicalName, familiarName, familiarRepository, parseReference } from "./reference.ts";
import type { ImageStore } from "./store.ts";
import { padding, tarEnd, tarHeader } from "./tar-writer.ts";

/**
 * One tar that `docker load` of any age and OCI tools read: `blobs/sha256/*`, `index.json`, `oci-layout`, `manifest.json`, in the order of names as Docker writes them.
 * `format: "oci"` leaves `manifest.json` out. Unknown images are an error before the first byte.
 */
export function saveArchive(
  store: ImageStore,
  refs: readonly string[],
  o: {
    format?: "docker" | "oci";
    /** Full names for what `refs` gives by its id, instead of none. */
    names?: readonly string[];
    signal: AbortSignal;
  } & ImagePacking,
): Readable {
  const images = new Map<string, SavedImage>();
  const add = (image: StoredImage, name?: string) => {
    const names = images.get(image.id)?.names ?? [];
    images.set(image.id, { image, names: name === undefined ? names : [...new Set([...names, name])] });
  };
  for (const ref of refs) {
    const name = savedName(store, ref);
    if (name === undefined) for (const one of o.names?.length ? o.names : [undefined]) add(store.get(ref), one);
    else for (const one of name) add(store.get(one), one);
  }
  for (const { image } of images.values()) store.tell({ action: "save", id: image.id });
  return Readable.from(archive(store, [...images.values()], o), { objectMode: false });
}

interface SavedImage {
  readonly image: StoredImage;
  readonly names: readonly string[];
}

/** The full names that a reference saves: that tag, or every tag of a repository without one; undefined for an id or a digest. */
function savedName(store: ImageStore, ref: string): string[] | undefined {
  if (/^sha256:/.test(ref) || /^[0-9a-f]{64}$/.test(ref)) return undefined;
  const reference = parseReference(ref, { defaultTag: false });
  if (reference.digest !== undefined) return undefined;
  if (reference.tag !== undefined) return [canonicalName(reference)];
  const tags = store.tagsOf(reference);
  return tags.length > 0 ? tags : undefined;
}

async function* archive(
  store: ImageStore,
  images: readonly SavedImage[],
  o: { format?: "docker" | "oci"; signal: AbortSignal } & ImagePacking,
): AsyncGenerator<Buffer> {
  const written = new Set<string>();
  const manifests: object[] = [];
  const dockerList: object[] = [];
  const repositories: Record<string, Record<string, string>> = {};
  yield directory("blobs/");
  yield directory("blobs/sha256/");
  for (const { image, names } of images) {
    const layers = await packedLayers(store, image, o);
    for (const layer of layers) {
      if (written.has(layer.digest)) continue;
      written.add(layer.digest);
      yield* blobMember(layer, o.signal);
    }
    const config = readFileSync(store.blobPath(image.id));
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        config: { mediaType: mediaTypes.ociConfig, digest: image.id, size: config.length },
        layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
        ...annotated(o),
      }),
    );
    const digest = sha256(manifest);
    for (const [name, bytes] of [
      [image.id, config],
      [digest, manifest],
    ] as const) {
      if (!written.has(name)) yield* smallMember(blobName(name), bytes);
      written.add(name);
    }
    const descriptor = { mediaType: mediaTypes.ociManifest, digest, size: manifest.length };
    if (names.length === 0) manifests.push(descriptor);
    for (const name of names) {
      manifests.push({
        ...descriptor,
        annotations: { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": parseReference(name).tag ?? "latest" },
      });
    }
    dockerList.push({
      Config: blobName(image.id),
      RepoTags: names.length > 0 ? names.map((name) => familiarName(name)) : null,
      Layers: layers.map((layer) => blobName(layer.digest)),
      LayerSources: Object.fromEntries(
        layers.map(({ mediaType, size, digest: of }, at) => [diffIdOf(image, at), { mediaType, size, digest: of }]),
      ),
    });
    for (const name of names) {
      const reference = parseReference(name);
      const repository = familiarRepository(reference);
      const top = layers.at(-1)?.digest ?? image.id;
      repositories[repository] = { ...repositories[repository], [reference.tag ?? "latest"]: top.slice("sha256:".length) };
    }
  }
  yield* smallMember("index.json", Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests })));
  if (o.format !== "oci") yield* smallMember("manifest.json", Buffer.from(`${JSON.stringify(dockerList)}\n`));
  yield* smallMember("oci-layout", Buffer.from(JSON.stringify({ imageLayoutVersion: "1.0.0" })));
  if (o.format !== "oci" && Object.keys(repositories).length > 0)
    yield* smallMember("repositories", Buffer.from(`${JSON.stringify(repositories)}\n`));
  yield tarEnd;
}

function diffIdOf(image: StoredImage, at: number): string {
  return image.config.rootfs.diff_ids[at] ?? ""; // as many as layers
}

async function* blobMember(blob: LayerBlob, signal: AbortSignal): AsyncGenerator<Buffer> {
  yield header(blobName(blob.digest), blob.size);
  let size = 0;
  for await (const chunk of blob.read()) {
    signal.throwIfAborted();
    size += chunk.length;
    yield chunk;
  }
  if (size !== blob.size) throw new BerthError("system/internal", `layer ${blob.digest} has ${size} bytes instead of ${blob.size}`);
  yield padding(size);
}

function* smallMember(name: string, bytes: Buffer): Generator<Buffer> {
  yield header(name, bytes.length);
  yield bytes;
  yield padding(bytes.length);
}

function header(name: string, size: number): Buffer {
  return tarHeader({ ...plain, name, size, type: "file", mode: 0o644 });
}

function directory(name: string): Buffer {
  return tarHeader({ ...plain, name, size: 0, type: "dir", mode: 0o755 });
}

const plain = { linkName: "", uid: 0, gid: 0, mtime: 0, major: 0, minor: 0, xattrs: new Map<string, Buffer>() };

function blobName(digest: string): string {
  return `blobs/sha256/${digest.slice("sha256:".length)}`;
}
