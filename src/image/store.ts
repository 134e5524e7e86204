import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { ImageConfig } from "../api/index.ts";
import { BerthError, describeHost, type Host, writeFileAtomic } from "../system/index.ts";
import { Blobs } from "./blobs.ts";
import { type StoreUsage, storeUsage } from "./disk-usage.ts";
import { Garbage } from "./garbage.ts";
import { idOfReference } from "./image-lookup.ts";
import { ImageNames } from "./image-names.ts";
import {
  chainIdsOf,
  type ImageChange,
  type ImageRecord,
  type LayerInfo,
  type LayerRecord,
  type RemovedItem,
  type StoredImage,
  sha256,
} from "./image-record.ts";
import type { LayerAhead } from "./layer-ahead.ts";
import { type LayerBlob, layerBlob } from "./layer-blob.ts";
import { layerTar } from "./layer-diff.ts";
import { Layers, type NewLayer } from "./layers.ts";
import { mergedTar } from "./merged-tar.ts";
import { ociIndex } from "./oci-index.ts";
import { readRecord, readRecords } from "./record-files.ts";
import { canonicalName, familiarName, familiarRepository, parseReference, type Reference } from "./reference.ts";
import { checkRemovable } from "./removal-rules.ts";
import { Trash } from "./trash.ts";

/**
 * The images of one engine. On disk, below `rootDir`: `blobs/sha256/<hex>` with `oci-layout` and `index.json` (an OCI layout), `l/<name>/`
 * (unpacked layers: overlay lower directories), `layers/<chain>.json`, `images/<id>.json`, `refs.json`, `partial/` (downloads), `tmp/`.
 * Invariants: a record is written after everything it names is in place, by rename; what no record names is not there for readers and is
 * removed when the store is opened. One engine, which holds the engine's lock, owns a store.
 */
export class ImageStore {
  readonly rootDir: string;
  readonly host: Host;
  private readonly names: ImageNames;
  private readonly records = new Map<string, ImageRecord>();
  private readonly images = new Map<string, { readonly config: ImageConfig; readonly chainIds: readonly string[] }>();
  private readonly layers: Layers;
  private readonly trash: Trash;
  private readonly blobs: Blobs;
  private readonly garbage: Garbage;
  private readonly listeners = new Set<(change: ImageChange) => void>();

  constructor(o: { rootDir: string; host?: Host }) {
    const { rootDir } = o;
    this.rootDir = rootDir;
    this.host = o.host ?? describeHost();
    this.names = new ImageNames(rootDir);
    this.trash = new Trash(this.tempDir());
    this.layers = new Layers({
      rootDir,
      trash: this.trash,
      newTemp: () => this.newTemp(),
      touch: (chain) => this.touch(chain),
    });
    this.blobs = new Blobs(rootDir);
    const needed = {
      blobs: () => [...this.records.values()].flatMap((record) => [record.id, ...record.blobs]),
      chains: () => [...this.images.values()].map((image) => image.chainIds.at(-1)),
    };
    this.garbage = new Garbage({ blobs: this.blobs, layers: this.layers, needed });
  }

  /**
   * Reads the records and takes over what an unclean stop left: half-made things go, partial downloads stay. Answers the record files that
   * could not be read (moved aside); the rest goes on.
   */
  open(): string[] {
    const aside: string[] = [];
    for (const name of ["blobs/sha256", "l", "layers", "images", "partial", "tmp"]) {
      mkdirSync(join(this.rootDir, name), { recursive: true, mode: 0o711 });
    }
    writeFileAtomic(join(this.rootDir, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }), { mode: 0o644 });
    for (const name of readdirSync(this.tempDir())) this.trash.discard(join(this.tempDir(), name));
    this.layers.open(aside);
    for (const record of readRecords<ImageRecord>(join(this.rootDir, "images"), aside)) {
      const config = typeof record.id === "string" ? readRecord<ImageConfig>(this.blobPath(record.id), aside) : undefined;
      if (!config) continue;
      const chainIds = chainIdsOf(config.rootfs.diff_ids);
      if (!chainIds.every((chain) => this.layers.has(chain))) continue;
      this.records.set(record.id, record);
      this.images.set(record.id, { config, chainIds });
    }
    const refs = readRecord<{ tags?: Record<string, string> }>(join(this.rootDir, "refs.json"), aside);
    this.names.load(refs?.tags ?? {}, (id) => this.records.has(id));
    this.garbage.sweepBlobs();
    return aside;
  }

  /** Waits for removals in the background. */
  async close(): Promise<void> {
    await this.layers.close();
    await this.trash.settled();
  }

  onChange(listener: (change: ImageChange) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(change: ImageChange): void {
    for (const listener of this.listeners) listener(change);
  }

  /** Newest first. */
  list(): StoredImage[] {
    return [...this.records.keys()].map((id) => this.stored(id)).sort((a, b) => (a.created < b.created ? 1 : -1));
  }

  /** "name[:tag]", "name@sha256:..", an id, "sha256:<prefix>" or a unique prefix of an id; a name wins over a prefix. */
  resolve(ref: string): StoredImage | undefined {
    const id = idOfReference(ref, this.records, this.names);
    return id === undefined ? undefined : this.stored(id);
  }

  /** @throws BerthError `image/not-found` */
  get(ref: string): StoredImage {
    const found = this.resolve(ref);
    if (found) return found;
    const plain = /^(sha256:)?[0-9a-f]{12,64}$/.test(ref) || ref.includes("@") || /:[^/]+$/.test(ref);
    throw new BerthError("image/not-found", `No such image: ${plain ? ref : `${ref}:latest`}`);
  }

  /** Overlay lower directories, top layer first. An image without layers has one empty directory. */
  layerDirs(ref: string): string[] {
    const chains = this.get(ref).chainIds;
    if (chains.length > 0) return [...chains].reverse().map((chain) => this.layerDir(chain));
    const empty = join(this.rootDir, "empty");
    mkdirSync(empty, { recursive: true, mode: 0o755 });
    return [empty];
  }

  /** May name a directory that does not exist. */
  layerDir(chainId: string): string {
    return this.layers.directory(chainId);
  }

  layer(chainId: string): LayerRecord | undefined {
    return this.layers.get(chainId);
  }

  hasLayer(chainId: string): boolean {
    return this.layers.has(chainId);
  }

  commitLayer(o: { parentChainId?: string; upperDir: string; signal: AbortSignal }): Promise<LayerInfo> {
    return this.layers.commit(o);
  }

  addLayer(o: NewLayer): Promise<LayerRecord> {
    return this.layers.add(o);
  }

  unpackAhead(file: string): LayerAhead {
    return this.layers.unpackAhead(file);
  }

  /** Whether some layer was made of, or came as, what has this digest. */
  knowsLayer(digest: string): boolean {
    return this.layers.knows(digest);
  }

  /** Unpacks a layer's archive as it comes, unless the layer is here or on its way. */
  fetchLayer(chainId: string, o: NewLayer): Promise<LayerRecord> {
    return this.transferring(() => this.layers.once(chainId, () => this.layers.add(o)));
  }

  layerArchive(chainId: string): LayerBlob {
    return layerBlob(this, chainId);
  }

  layerOnce(chainId: string, make: () => Promise<LayerRecord>): Promise<LayerRecord> {
    return this.layers.once(chainId, make);
  }

  tempDir(): string {
    return join(this.rootDir, "tmp");
  }

  /** A new empty directory below `tempDir()`. */
  newTemp(): string {
    const path = join(this.tempDir(), randomBytes(6).toString("hex"));
    mkdirSync(path, { mode: 0o711 });
    return path;
  }

  blobPath(digest: string): string {
    return this.blobs.path(digest);
  }

  hasBlob(digest: string): boolean {
    return this.blobs.has(digest);
  }

  putBlob(bytes: Uint8Array): string {
    return this.blobs.put(bytes, (digest) => this.touch(digest));
  }

  /** Keeps a blob or layer through a collection until a record names it. */
  touch(digestOrChain: string): void {
    this.garbage.touch(digestOrChain);
  }

  /** While this runs nothing is collected. */
  transferring<T>(work: () => Promise<T>): Promise<T> {
    return this.garbage.transferring(work);
  }

  /** Stores a configuration whose layers are here; the id is the digest of exactly these bytes. */
  createImage(o: { config: ImageConfig | Uint8Array; tags?: readonly string[] }): string {
    const bytes = o.config instanceof Uint8Array ? o.config : Buffer.from(JSON.stringify(o.config));
    const id = sha256(bytes);
    // What is here already is not written again: a rebuild that changed nothing costs no disk.
    if (!this.records.has(id) || !this.hasBlob(id)) {
      const config = JSON.parse(Buffer.from(bytes).toString()) as ImageConfig; // made or checked by the caller
      const chainIds = chainIdsOf(config.rootfs.diff_ids);
      const missing = chainIds.find((chain) => !this.layers.has(chain));
      if (missing !== undefined) throw new BerthError("image/bad-archive", `the image names a layer that is not here: ${missing}`);
      this.putBlob(bytes);
      this.images.set(id, { config, chainIds });
      const old = this.records.get(id);
      this.writeImage({ repoDigests: [], blobs: [], ...old, id, taggedAt: new Date().toISOString() });
    }
    for (const tag of o.tags ?? []) this.tag(id, tag);
    return id;
  }

  /** The exact bytes of an image's configuration. */
  configBytes(id: string): Buffer {
    return readFileSync(this.blobPath(id));
  }

  /** Digests of the stored manifests that name this image. */
  manifestsOf(id: string): readonly string[] {
    return (this.records.get(id)?.blobs ?? []).filter((digest) => this.hasBlob(digest));
  }

  /** The whole file system of an image as one tar. */
  rootfsTar(ref: string): Readable {
    return Readable.from(mergedTar(this.layerDirs(ref)), { objectMode: false });
  }

  /** The layer tar of an overlay upper directory. */
  diffTar(upperDir: string): Readable {
    return Readable.from(layerTar(upperDir), { objectMode: false });
  }

  /** Docker's `tag`: an older image of that name loses it. */
  tag(ref: string, newName: string): void {
    const image = this.get(ref);
    const reference = parseReference(newName);
    if (reference.digest) throw new BerthError("image/bad-reference", "refusing to create a tag with a digest reference");
    if (this.names.set(canonicalName(reference), image.id)) {
      this.writeNames();
      const record = this.records.get(image.id);
      if (record) this.writeImage({ ...record, taggedAt: new Date().toISOString() });
    }
    this.tell({ action: "tag", id: image.id, name: familiarName(newName) });
  }

  /** Takes a name away; the image stays. */
  untag(ref: string): void {
    const name = canonicalName(parseReference(ref));
    const id = this.names.idOf(name);
    if (id === undefined) throw new BerthError("image/not-found", `No such image: ${familiarName(ref)}`);
    this.names.delete(name);
    this.writeNames();
    this.tell({ action: "untag", id, name: familiarName(ref) });
  }

  /** The full names of a repository that are here. */
  tagsOf(reference: Reference): string[] {
    return this.names.inRepository(reference);
  }

  /** Names of an image in full form. */
  canonicalTags(id: string): string[] {
    return this.names.of(id);
  }

  /** When a registry was last asked for this image; the epoch where it never came from one. */
  pulledMs(id: string): number {
    return Date.parse(this.records.get(id)?.pulledAt ?? "1970-01-01T00:00:00Z");
  }

  /** When this image got a name last. */
  taggedAt(id: string): string {
    return this.records.get(id)?.taggedAt ?? "0001-01-01T00:00:00Z";
  }

  /** Notes that a repository ("docker.io/library/debian@sha256:..") has this image, and keeps the manifests that say so. */
  addDigest(id: string, repoDigest: string, blobs: readonly string[] = []): void {
    const record = this.records.get(id);
    if (!record) return;
    const repoDigests = [...new Set([...record.repoDigests, repoDigest])];
    const pulledAt = new Date().toISOString();
    this.writeImage({ ...record, repoDigests, blobs: [...new Set([...record.blobs, ...blobs])], pulledAt });
    this.writeNames();
  }

  /**
   * Docker's `rmi`: a name is taken away, and the image goes with its last name. `inUse` answers "running <container>" or "<container>".
   * @throws BerthError `image/not-found`, `image/in-use`
   */
  remove(ref: string, o: { force?: boolean; noPrune?: boolean; inUse?: (imageId: string) => string | undefined }): RemovedItem[] {
    const image = this.get(ref);
    const digest = parseReferenceDigest(ref);
    if (digest !== undefined && image.repoTags.length + image.repoDigests.length > 1)
      return this.dropDigests(image.id, (repoDigest) => repoDigest === digest);
    const name = this.tagNamed(ref, image.id);
    if (name !== undefined && image.repoTags.length > 1) {
      this.untag(name);
      return [{ Untagged: familiarName(name) }, ...this.forgetDigests(image.id, name)];
    }
    const user = o.inUse?.(image.id);
    checkRemovable(image, ref, { byName: name !== undefined, user, force: o.force === true });
    const report: RemovedItem[] = [];
    for (const tag of this.names.of(image.id)) {
      this.names.delete(tag);
      report.push({ Untagged: familiarName(tag) });
      this.tell({ action: "untag", id: image.id, name: familiarName(tag) });
    }
    if (user?.startsWith("running ") && name !== undefined) {
      // A container runs with it: only the name goes, as with Docker's forced removal.
      this.writeNames();
      return report;
    }
    for (const digest of image.repoDigests) report.push({ Untagged: digest });
    this.forget(image.id);
    report.push({ Deleted: image.id });
    for (const chain of this.garbage.collectLayers(new Set(image.chainIds))) report.push({ Deleted: chain });
    return report;
  }

  /** With the last name that an image has in a repository goes its digest there, as with Docker. */
  private forgetDigests(id: string, gone: string): RemovedItem[] {
    const repository = gone.slice(0, gone.lastIndexOf(":"));
    const record = this.records.get(id);
    if (!record || this.names.of(id).some((name) => name.startsWith(`${repository}:`))) return [];
    const [going, staying] = [true, false].map((goes) => record.repoDigests.filter((one) => one.startsWith(`${repository}@`) === goes));
    if (!going?.length) return [];
    this.writeImage({ ...record, repoDigests: staying ?? [] });
    return going.map((digest) => ({ Untagged: familiarName(digest) }));
  }

  /** `image prune`: dangling images, or with `all` every image that nothing uses. */
  prune(o: { all?: boolean; inUse: (imageId: string) => string | undefined; keep?: (image: StoredImage) => boolean }): {
    deleted: RemovedItem[];
    spaceReclaimed: number;
  } {
    const before = this.diskUsage().layersSize;
    const deleted: RemovedItem[] = [];
    for (const image of this.list()) {
      if ((!o.all && image.repoTags.length > 0) || o.inUse(image.id) !== undefined || o.keep?.(image)) continue;
      deleted.push(...this.remove(image.id, { force: true }));
    }
    this.collectGarbage();
    return { deleted, spaceReclaimed: Math.max(0, before - this.diskUsage().layersSize) };
  }

  diskUsage(): StoreUsage {
    return storeUsage(this.list(), this.layers);
  }

  /** Layers that something else than an image needs (a build cache, a container whose image is gone). */
  addLayerRoots(chainIds: () => Iterable<string>): void {
    this.garbage.addRoots(chainIds);
  }

  /** Frees layers and blobs that nothing names. Answers the chain ids. */
  collectGarbage(): string[] {
    const gone = this.garbage.collectLayers();
    this.garbage.sweepBlobs();
    return gone;
  }

  private stored(id: string): StoredImage {
    const { config, chainIds } = this.images.get(id)!; // set together with the record
    return {
      id,
      config,
      repoTags: this.names
        .of(id)
        .map((name) => familiarName(name))
        .sort(),
      repoDigests: (this.records.get(id)?.repoDigests ?? []).map((name) => familiarName(name)),
      size: chainIds.reduce((sum, chain) => sum + (this.layers.get(chain)?.size ?? 0), 0),
      created: config.created ?? "0001-01-01T00:00:00Z",
      chainIds,
    };
  }

  /** Forgets that repositories have this image; `which` gets the familiar form ("debian@sha256:..."). */
  private dropDigests(id: string, which: (repoDigest: string) => boolean): RemovedItem[] {
    const record = this.records.get(id);
    if (!record) return [];
    const gone = record.repoDigests.filter((repoDigest) => which(familiarName(repoDigest)));
    if (gone.length === 0) return [];
    this.writeImage({ ...record, repoDigests: record.repoDigests.filter((repoDigest) => !gone.includes(repoDigest)) });
    this.writeNames();
    return gone.map((repoDigest) => ({ Untagged: familiarName(repoDigest) }));
  }

  /** The full name that `ref` is, when it names this image by tag and not by id. */
  private tagNamed(ref: string, id: string): string | undefined {
    if (/^sha256:/.test(ref) || /^[0-9a-f]{64}$/.test(ref)) return undefined;
    const name = canonicalName(parseReference(ref));
    return this.names.idOf(name) === id ? name : undefined;
  }

  private forget(id: string): void {
    rmSync(join(this.rootDir, "images", `${id.slice(7)}.json`), { force: true });
    const blobs = [id, ...(this.records.get(id)?.blobs ?? [])];
    this.records.delete(id);
    this.images.delete(id);
    this.writeNames();
    this.garbage.sweepBlobs(new Set(blobs));
    this.tell({ action: "delete", id });
  }

  private writeImage(record: ImageRecord): void {
    writeFileAtomic(join(this.rootDir, "images", `${record.id.slice(7)}.json`), JSON.stringify(record));
    this.records.set(record.id, record);
  }

  private writeNames(): void {
    this.names.write();
    const namesOf = (id: string) => this.names.of(id);
    const index = ociIndex(this.records.values(), { namesOf, blobPath: (digest) => this.blobPath(digest) });
    writeFileAtomic(join(this.rootDir, "index.json"), index, { mode: 0o644 });
  }
}

/** "debian@sha256:..." of a reference by digest, undefined for every other. */
function parseReferenceDigest(ref: string): string | undefined {
  if (!ref.includes("@")) return undefined;
  const reference = parseReference(ref);
  return reference.digest ? `${familiarRepository(reference)}@${reference.digest}` : undefined;
}
