import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { ImageConfig } from "../api/index.ts";
import { BerthError, describeHost, type Host, writeFileAtomic } from "../system/index.ts";
import { Blobs } from "./blobs.ts";
import { type StoreUsage, storeUsage } from "./disk-usage.ts";
import { Garbage } from "./garbage.ts";
import { ImageCatalog } from "./image-catalog.ts";
import {
  chainIdsOf,
  type ImageChange,
  type LayerInfo,
  type LayerRecord,
  type RemovedItem,
  type StoredImage,
  sha256,
} from "./image-record.ts";
import { type PruneOptions, pruneImages, type RemovalContext, type RemovalOptions, removeImage } from "./image-removal.ts";
import type { LayerAhead } from "./layer-ahead.ts";
import { type LayerBlob, layerBlob } from "./layer-blob.ts";
import { layerTar } from "./layer-diff.ts";
import { Layers, type NewLayer } from "./layers.ts";
import { mergedTar } from "./merged-tar.ts";
import { familiarName, type Reference } from "./reference.ts";
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
  private readonly catalog: ImageCatalog;
  private readonly layers: Layers;
  private readonly trash: Trash;
  private readonly blobs: Blobs;
  private readonly garbage: Garbage;
  private readonly listeners = new Set<(change: ImageChange) => void>();

  constructor(o: { rootDir: string; host?: Host }) {
    const { rootDir } = o;
    this.rootDir = rootDir;
    this.host = o.host ?? describeHost();
    this.trash = new Trash(this.tempDir());
    this.layers = new Layers({
      rootDir,
      trash: this.trash,
      newTemp: () => this.newTemp(),
      touch: (chain) => this.touch(chain),
    });
    this.blobs = new Blobs(rootDir);
    this.catalog = new ImageCatalog({ rootDir, blobs: this.blobs, layers: this.layers });
    const needed = { blobs: () => this.catalog.neededBlobs(), chains: () => this.catalog.neededChains() };
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
    this.catalog.load(aside);
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
    return this.catalog.list();
  }

  /** Whether another image was made of it. */
  isParent(id: string): boolean {
    return this.catalog.isParent(id);
  }

  /** "name[:tag]", "name@sha256:..", an id, "sha256:<prefix>" or a unique prefix of an id; a name wins over a prefix. */
  resolve(ref: string): StoredImage | undefined {
    return this.catalog.resolve(ref);
  }

  /** @throws BerthError `image/not-found` */
  get(ref: string): StoredImage {
    return this.catalog.get(ref);
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
    if (!this.catalog.has(id) || !this.hasBlob(id)) {
      const config = JSON.parse(Buffer.from(bytes).toString()) as ImageConfig; // made or checked by the caller
      const missing = chainIdsOf(config.rootfs.diff_ids).find((chain) => !this.layers.has(chain));
      if (missing !== undefined) throw new BerthError("image/bad-archive", `the image names a layer that is not here: ${missing}`);
      this.putBlob(bytes);
      this.catalog.add(id, config);
    }
    for (const tag of o.tags ?? []) this.tag(id, tag);
    return id;
  }

  /** The exact bytes of an image's configuration. */
  configBytes(id: string): Buffer {
    return this.catalog.configBytes(id);
  }

  /** Digests of the stored manifests that name this image. */
  manifestsOf(id: string): readonly string[] {
    return (this.catalog.record(id)?.blobs ?? []).filter((digest) => this.hasBlob(digest));
  }

  /** The whole file system of an image as one tar. */
  rootfsTar(ref: string): Readable {
    return Readable.from(mergedTar(this.layerDirs(ref)), { objectMode: false });
  }

  /** The layer tar of an overlay upper directory. */
  diffTar(upperDir: string): Readable {
    return Readable.from(layerTar(upperDir), { objectMode: false });
  }

  /** Docker's `tag`: an older image of that name loses it. @throws BerthError `image/not-found`, `image/bad-reference` */
  tag(ref: string, newName: string): void {
    const id = this.catalog.tag(ref, newName);
    this.tell({ action: "tag", id, name: familiarName(newName) });
  }

  /** The same without telling: what brought the image is told instead. */
  nameQuietly(ref: string, newName: string): void {
    this.catalog.tag(ref, newName);
  }

  /** Takes a name away; the image stays. @throws BerthError `image/not-found` */
  untag(ref: string): void {
    const id = this.catalog.untag(ref);
    this.tell({ action: "untag", id, name: familiarName(ref) });
  }

  /** The full names of a repository that are here. */
  tagsOf(reference: Reference): string[] {
    return this.catalog.namesInRepository(reference);
  }

  /** Names of an image in full form. */
  canonicalTags(id: string): string[] {
    return this.catalog.namesOf(id);
  }

  /** When a registry was last asked for this image; the epoch where it never came from one. */
  pulledMs(id: string): number {
    return Date.parse(this.catalog.record(id)?.pulledAt ?? "1970-01-01T00:00:00Z");
  }

  /** When this image got a name last. */
  taggedAt(id: string): string {
    return this.catalog.record(id)?.taggedAt ?? "0001-01-01T00:00:00Z";
  }

  /** Notes that a repository ("docker.io/library/debian@sha256:..") has this image, and keeps the manifests that say so. */
  addDigest(id: string, repoDigest: string, blobs: readonly string[] = []): void {
    this.catalog.addDigest(id, repoDigest, blobs);
  }

  /** Docker's `rmi`. @throws BerthError `image/not-found`, `image/in-use` */
  remove(ref: string, o: RemovalOptions = {}): RemovedItem[] {
    return removeImage(this.removal, ref, o);
  }

  /** `image prune`: dangling images, or with `all` every image that nothing uses. */
  prune(o: PruneOptions): { deleted: RemovedItem[]; spaceReclaimed: number } {
    const before = this.diskUsage().layersSize;
    const deleted = pruneImages(this.removal, o);
    this.collectGarbage();
    return { deleted, spaceReclaimed: Math.max(0, before - this.diskUsage().layersSize) };
  }

  private get removal(): RemovalContext {
    return { catalog: this.catalog, garbage: this.garbage, tell: (change) => this.tell(change) };
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
}
