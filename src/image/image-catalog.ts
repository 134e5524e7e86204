import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ImageConfig } from "../api/index.ts";
import { BerthError, writeFileAtomic } from "../system/index.ts";
import type { Blobs } from "./blobs.ts";
import { idOfReference } from "./image-lookup.ts";
import { ImageNames } from "./image-names.ts";
import { chainIdsOf, type ImageRecord, type StoredImage } from "./image-record.ts";
import type { Layers } from "./layers.ts";
import { ociIndex } from "./oci-index.ts";
import { readRecord, readRecords } from "./record-files.ts";
import { canonicalName, familiarName, parseReference, type Reference } from "./reference.ts";

/**
 * Which images a store has, under which names, and from which repositories: `images/<id>.json`, `refs.json`, and `index.json` for tools that read OCI layouts. An image
 * is listed when its configuration and all its layers are here.
 */
export class ImageCatalog {
  readonly #rootDir: string;
  readonly #blobs: Blobs;
  readonly #layers: Layers;
  readonly #names: ImageNames;
  readonly #records = new Map<string, ImageRecord>();
  /** What the configurations say, read once. */
  readonly #contents = new Map<string, { readonly config: ImageConfig; readonly chainIds: readonly string[] }>();

  constructor(o: { rootDir: string; blobs: Blobs; layers: Layers }) {
    this.#rootDir = o.rootDir;
    this.#blobs = o.blobs;
    this.#layers = o.layers;
    this.#names = new ImageNames(o.rootDir);
  }

  /** Reads the records; what cannot be read is moved aside and named. */
  load(aside: string[]): void {
    for (const record of readRecords<ImageRecord>(join(this.#rootDir, "images"), aside)) {
      const config = typeof record.id === "string" ? readRecord<ImageConfig>(this.#blobs.path(record.id), aside) : undefined;
      if (!config) continue;
      const chainIds = chainIdsOf(config.rootfs.diff_ids);
      if (!chainIds.every((chain) => this.#layers.has(chain))) continue;
      this.#records.set(record.id, record);
      this.#contents.set(record.id, { config, chainIds });
    }
    const refs = readRecord<{ tags?: Record<string, string> }>(join(this.#rootDir, "refs.json"), aside);
    this.#names.load(refs?.tags ?? {}, (id) => this.#records.has(id));
  }

  has(id: string): boolean {
    return this.#records.has(id);
  }

  record(id: string): ImageRecord | undefined {
    return this.#records.get(id);
  }

  /** Whether another image was made of this one, as far as images know (what `commit` made does). */
  isParent(id: string): boolean {
    for (const { config } of this.#contents.values()) if (config.parent === id) return true;
    return false;
  }

  /** Newest first. */
  list(): StoredImage[] {
    return [...this.#records.keys()].map((id) => this.#stored(id)).sort((a, b) => (a.created < b.created ? 1 : -1));
  }

  /** "name[:tag]", "name@sha256:..", an id, "sha256:<prefix>" or a unique prefix of an id; a name wins over a prefix. */
  resolve(ref: string): StoredImage | undefined {
    const id = idOfReference(ref, this.#records, this.#names);
    return id === undefined ? undefined : this.#stored(id);
  }

  /** @throws BerthError `image/not-found` */
  get(ref: string): StoredImage {
    const found = this.resolve(ref);
    if (found) return found;
    const isNamed = ref.includes("@") || /:[^/]+$/.test(ref);
    const asked = /^[0-9a-f]{64}$/.test(ref) ? `sha256:${ref}` : isNamed ? ref : `${ref}:latest`;
    throw new BerthError("image/not-found", `No such image: ${asked}`);
  }

  /** Lists an image whose configuration and layers are in place. */
  add(id: string, config: ImageConfig): void {
    this.#contents.set(id, { config, chainIds: chainIdsOf(config.rootfs.diff_ids) });
    this.put({ repoDigests: [], blobs: [], ...this.#records.get(id), id, taggedAt: new Date().toISOString() });
  }

  put(record: ImageRecord): void {
    writeFileAtomic(this.#recordFile(record.id), JSON.stringify(record));
    this.#records.set(record.id, record);
  }

  /** With its names. Answers the blobs that were needed for it. */
  forget(id: string): string[] {
    rmSync(this.#recordFile(id), { force: true });
    const blobs = [id, ...(this.#records.get(id)?.blobs ?? [])];
    this.takeNames(id);
    this.#records.delete(id);
    this.#contents.delete(id);
    this.writeNames();
    return blobs;
  }

  /** The full names of an image, in their order. */
  namesOf(id: string): string[] {
    return this.#names.of(id);
  }

  idOfName(name: string): string | undefined {
    return this.#names.idOf(name);
  }

  /** The full names of a repository that are here. */
  namesInRepository(reference: Reference): string[] {
    return this.#names.inRepository(reference);
  }

  /** Gives an image a name, which an older image of that name loses. Answers its id. @throws BerthError `image/not-found`, `image/bad-reference` */
  tag(ref: string, newName: string): string {
    const { id } = this.get(ref);
    const reference = parseReference(newName);
    if (reference.digest) throw new BerthError("image/bad-reference", "refusing to create a tag with a digest reference");
    if (!this.#names.set(canonicalName(reference), id)) return id;
    this.writeNames();
    const record = this.#records.get(id);
    if (record) this.put({ ...record, taggedAt: new Date().toISOString() });
    return id;
  }

  /** Takes a name away; the image stays. Answers its id. @throws BerthError `image/not-found` */
  untag(ref: string): string {
    const name = canonicalName(parseReference(ref));
    const id = this.#names.idOf(name);
    if (id === undefined) throw new BerthError("image/not-found", `No such image: ${familiarName(ref)}`);
    this.#names.delete(name);
    this.writeNames();
    return id;
  }

  /** Takes one name away, in memory: `writeNames` or `forget` follows. */
  dropName(name: string): void {
    this.#names.delete(name);
  }

  /** Takes all names from an image, in memory: `writeNames` or `forget` follows. */
  takeNames(id: string): string[] {
    const names = this.#names.of(id);
    for (const name of names) this.#names.delete(name);
    return names;
  }

  writeNames(): void {
    this.#names.write();
    const namesOf = (id: string) => this.#names.of(id);
    const index = ociIndex(this.#records.values(), { namesOf, blobPath: (digest) => this.#blobs.path(digest) });
    writeFileAtomic(join(this.#rootDir, "index.json"), index, { mode: 0o644 });
  }

  /** Notes that a repository ("docker.io/library/debian@sha256:..") has this image, and keeps the manifests that say so. */
  addDigest(id: string, repoDigest: string, blobs: readonly string[]): void {
    const record = this.#records.get(id);
    if (!record) return;
    const repoDigests = [...new Set([...record.repoDigests, repoDigest])];
    const pulledAt = new Date().toISOString();
    this.put({ ...record, repoDigests, blobs: [...new Set([...record.blobs, ...blobs])], pulledAt });
    this.writeNames();
  }

  /** Forgets that repositories have this image. Answers their digests ("docker.io/library/debian@sha256:.."). */
  dropDigests(id: string, which: (repoDigest: string) => boolean): string[] {
    const record = this.#records.get(id);
    const gone = record?.repoDigests.filter(which) ?? [];
    if (record && gone.length > 0) this.put({ ...record, repoDigests: record.repoDigests.filter((digest) => !gone.includes(digest)) });
    return gone;
  }

  /** What the images need of a store: blobs by digest, and their topmost layers. */
  neededBlobs(): string[] {
    return [...this.#records.values()].flatMap((record) => [record.id, ...record.blobs]);
  }
  neededChains(): (string | undefined)[] {
    return [...this.#contents.values()].map((image) => image.chainIds.at(-1));
  }

  /** The exact bytes of an image's configuration. */
  configBytes(id: string): Buffer {
    return readFileSync(this.#blobs.path(id));
  }

  #recordFile(id: string): string {
    return join(this.#rootDir, "images", `${id.slice("sha256:".length)}.json`);
  }

  #stored(id: string): StoredImage {
    const { config, chainIds } = this.#contents.get(id)!; // set together with the record
    return {
      id,
      config,
      repoTags: this.#names.of(id).map((name) => familiarName(name)),
      repoDigests: (this.#records.get(id)?.repoDigests ?? []).map((name) => familiarName(name)),
      size: chainIds.reduce((sum, chain) => sum + (this.#layers.get(chain)?.size ?? 0), 0),
      created: config.created ?? "0001-01-01T00:00:00Z",
      chainIds,
    };
  }
}
