import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { ImageConfig } from "../api/index.ts";
import { BerthError, describeHost, type Host, readJsonFile, writeFileAtomic } from "../system/index.ts";
import {
  chainIdsOf,
  chainOf,
  type Descriptor,
  type ImageChange,
  type ImageRecord,
  type LayerInfo,
  type LayerRecord,
  type RemovedItem,
  type StoredImage,
  sha256,
} from "./image-record.ts";
import { layerTar } from "./layer-diff.ts";
import { runLayerJob } from "./layer-worker.ts";
import { mergedTar } from "./merged-tar.ts";
import { canonicalName, familiarName, familiarRepository, parseReference, type Reference } from "./reference.ts";

/** A layer that was just made is not yet named by an image or a cache record: collection leaves it alone for this long. */
const graceMs = 10 * 60_000;

/**
 * The images of one engine. On disk, below `rootDir`: `blobs/sha256/<hex>` with `oci-layout` and `index.json` (an OCI layout), `l/<name>/`
 * (unpacked layers: overlay lower directories), `layers/<chain>.json`, `images/<id>.json`, `refs.json`, `partial/` (downloads), `tmp/`.
 * Invariants: a record is written after everything it names is in place, by rename; what no record names is not there for readers and is
 * removed when the store is opened. One engine, which holds the engine's lock, owns a store.
 */
export class ImageStore {
  readonly rootDir: string;
  readonly host: Host;
  private readonly workerFile: string | undefined;
  private tags: Record<string, string> = {};
  private readonly records = new Map<string, ImageRecord>();
  private readonly configs = new Map<string, ImageConfig>();
  private readonly layers = new Map<string, LayerRecord>();
  private readonly touched = new Map<string, number>();
  private transfers = 0;
  private readonly removals = new Set<Promise<void>>();
  private readonly listeners = new Set<(change: ImageChange) => void>();
  private readonly layerRoots: (() => Iterable<string>)[] = [];
  private readonly adding = new Map<string, Promise<LayerRecord>>();

  constructor(o: { rootDir: string; host?: Host; workerFile?: string }) {
    this.rootDir = o.rootDir;
    this.host = o.host ?? describeHost();
    this.workerFile = o.workerFile;
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
    for (const name of readdirSync(this.tempDir())) this.discard(join(this.tempDir(), name));
    for (const record of this.readRecords<LayerRecord>("layers", aside)) {
      if (existsSync(join(this.rootDir, "l", record.directory))) this.layers.set(record.chainId, record);
    }
    const kept = new Set([...this.layers.values()].map((layer) => layer.directory));
    for (const name of readdirSync(join(this.rootDir, "l"))) if (!kept.has(name)) this.discard(join(this.rootDir, "l", name));
    for (const record of this.readRecords<ImageRecord>("images", aside)) {
      const config = typeof record.id === "string" ? readRecord<ImageConfig>(this.blobPath(record.id), aside) : undefined;
      if (!config || !chainIdsOf(config.rootfs.diff_ids).every((chain) => this.layers.has(chain))) continue;
      this.records.set(record.id, record);
      this.configs.set(record.id, config);
    }
    const refs = readRecord<{ tags?: Record<string, string> }>(join(this.rootDir, "refs.json"), aside);
    this.tags = Object.fromEntries(Object.entries(refs?.tags ?? {}).filter(([, id]) => this.records.has(id)));
    this.sweepBlobs();
    return aside;
  }

  /** Waits for removals in the background. */
  async close(): Promise<void> {
    await Promise.all(this.removals);
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
    const id = this.idOf(ref);
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
    return join(this.rootDir, "l", this.layers.get(chainId)?.directory ?? directoryName(chainId));
  }

  layer(chainId: string): LayerRecord | undefined {
    return this.layers.get(chainId);
  }

  hasLayer(chainId: string): boolean {
    return this.layers.has(chainId);
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
    return join(this.rootDir, "blobs/sha256", digest.slice("sha256:".length));
  }

  hasBlob(digest: string): boolean {
    return existsSync(this.blobPath(digest));
  }

  putBlob(bytes: Uint8Array): string {
    const digest = sha256(bytes);
    this.touch(digest);
    if (!this.hasBlob(digest)) writeFileAtomic(this.blobPath(digest), bytes, { mode: 0o644 });
    return digest;
  }

  /** Keeps a blob or layer through a collection until a record names it. */
  touch(digestOrChain: string): void {
    this.touched.set(digestOrChain, Date.now());
  }

  /** While this runs nothing is collected. */
  async transferring<T>(work: () => Promise<T>): Promise<T> {
    this.transfers += 1;
    try {
      return await work();
    } finally {
      this.transfers -= 1;
    }
  }

  /** Docker's `tag`: an older image of that name loses it. */
  tag(ref: string, newName: string): void {
    const image = this.get(ref);
    const reference = parseReference(newName);
    if (reference.digest) throw new BerthError("image/bad-reference", "refusing to create a tag with a digest reference");
    this.tags[canonicalName(reference)] = image.id;
    this.writeRefs();
    const record = this.records.get(image.id);
    if (record) this.writeImage({ ...record, taggedAt: new Date().toISOString() });
    this.tell({ action: "tag", id: image.id, name: familiarName(newName) });
  }

  /** Takes a name away; the image stays. */
  untag(ref: string): void {
    const name = canonicalName(parseReference(ref));
    const id = this.tags[name];
    if (id === undefined) throw new BerthError("image/not-found", `No such image: ${familiarName(ref)}`);
    delete this.tags[name];
    this.writeRefs();
    this.tell({ action: "untag", id, name: familiarName(ref) });
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
    this.writeRefs();
  }

  /**
   * Docker's `rmi`: a name is taken away, and the image goes with its last name. `inUse` answers "running <container>" or "<container>".
   * @throws BerthError `image/not-found`, `image/in-use`
   */
  remove(ref: string, o: { force?: boolean; noPrune?: boolean; inUse?: (imageId: string) => string | undefined }): RemovedItem[] {
    const image = this.get(ref);
    const name = this.tagNamed(ref, image.id);
    if (name !== undefined && image.repoTags.length > 1) {
      this.untag(name);
      return [{ Untagged: familiarName(name) }];
    }
    const user = o.inUse?.(image.id);
    this.checkRemovable(image, ref, name !== undefined, user, o.force === true);
    const report: RemovedItem[] = [];
    for (const tag of this.canonicalTags(image.id)) {
      delete this.tags[tag];
      report.push({ Untagged: familiarName(tag) });
      this.tell({ action: "untag", id: image.id, name: familiarName(tag) });
    }
    if (user !== undefined && name !== undefined) {
      // A container needs it: only the name goes, as with Docker's forced removal.
      this.writeRefs();
      return report;
    }
    for (const digest of image.repoDigests) report.push({ Untagged: digest });
    this.forget(image.id);
    report.push({ Deleted: image.id });
    for (const chain of this.collect(new Set(image.chainIds))) report.push({ Deleted: chain });
    return report;
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

  diskUsage(): { layersSize: number; images: { id: string; size: number; sharedSize: number }[] } {
    const users = new Map<string, number>();
    const images = this.list();
    for (const image of images) for (const chain of image.chainIds) users.set(chain, (users.get(chain) ?? 0) + 1);
    const shared = (chain: string) => ((users.get(chain) ?? 0) > 1 ? (this.layers.get(chain)?.size ?? 0) : 0);
    return {
      layersSize: [...this.layers.values()].reduce((sum, layer) => sum + layer.size, 0),
      images: images.map(({ id, size, chainIds }) => ({ id, size, sharedSize: chainIds.reduce((sum, chain) => sum + shared(chain), 0) })),
    };
  }

  /** Layers that something else than an image needs (a build cache, a container whose image is gone). */
  addLayerRoots(chainIds: () => Iterable<string>): void {
    this.layerRoots.push(chainIds);
  }

  /** Frees layers and blobs that nothing names. Answers the chain ids. */
  collectGarbage(): string[] {
    const gone = this.collect();
    this.sweepBlobs();
    return gone;
  }

  /** Adopts an overlay upper directory (moved; on this file system) as a layer on top of a chain. The diff id is exact. */
  async commitLayer(o: { parentChainId?: string; upperDir: string; signal: AbortSignal }): Promise<LayerInfo> {
    const result = await runLayerJob({ kind: "digest", directory: o.upperDir }, this.jobOptions(o.signal));
    return this.adoptLayer({ parent: o.parentChainId, diffId: result.diffId, size: result.bytes, directory: o.upperDir });
  }

  /**
   * Unpacks one layer archive on top of a chain: a file, or bytes as they arrive.
   * @throws BerthError `image/bad-archive` when the content is not what `diffId` says
   */
  async addLayer(o: {
    parent: string | undefined;
    diffId?: string;
    file?: string;
    input?: AsyncIterable<Uint8Array>;
    blob?: Descriptor;
    whiteouts?: boolean;
    signal: AbortSignal;
  }): Promise<LayerRecord> {
    const work = this.newTemp();
    const directory = join(work, "d");
    try {
      mkdirSync(directory, { mode: 0o755 });
      const job = { kind: "unpack" as const, directory, lowerDirs: this.chainDirs(o.parent), whiteouts: o.whiteouts ?? true };
      const result = await runLayerJob(o.file === undefined ? job : { ...job, file: o.file }, {
        ...this.jobOptions(o.signal),
        ...(o.input ? { input: o.input } : {}),
      });
      if (o.diffId !== undefined && result.diffId !== o.diffId) {
        const hint = "It is damaged: fetch or make it again.";
        throw new BerthError("image/bad-archive", `a layer's content is ${result.diffId}, but its image says ${o.diffId}`, { hint });
      }
      // Without the archive at hand the layer's archive is the one that is made of its directory.
      const { diffId } = o.blob ? result : await runLayerJob({ kind: "digest", directory }, this.jobOptions(o.signal));
      const layer = { parent: o.parent, diffId, size: result.bytes, directory };
      return this.adoptLayer(o.blob ? { ...layer, blob: o.blob } : layer);
    } finally {
      this.discard(work);
    }
  }

  /** Runs `make` for a chain unless it is here or being made. */
  async layerOnce(chainId: string, make: () => Promise<LayerRecord>): Promise<LayerRecord> {
    this.touch(chainId);
    const there = this.layers.get(chainId);
    if (there) return there;
    const underway = this.adding.get(chainId);
    if (underway !== undefined) return underway;
    const making = make().finally(() => this.adding.delete(chainId));
    this.adding.set(chainId, making);
    return making;
  }

  /** Renames an unpacked directory into place and writes its record. */
  private adoptLayer(o: { parent: string | undefined; diffId: string; size: number; directory: string; blob?: Descriptor }): LayerRecord {
    const chainId = chainOf(o.parent, o.diffId);
    this.touch(chainId);
    const there = this.layers.get(chainId);
    if (there) {
      this.discard(o.directory);
      return there;
    }
    const directory = directoryName(chainId);
    const target = join(this.rootDir, "l", directory);
    if (existsSync(target)) this.discard(target);
    renameSync(o.directory, target);
    const base = { chainId, diffId: o.diffId, parent: o.parent ?? null, size: o.size, directory };
    const record: LayerRecord = o.blob ? { ...base, blob: o.blob } : base;
    writeFileAtomic(join(this.rootDir, "layers", `${chainId.slice(7)}.json`), JSON.stringify(record));
    this.layers.set(chainId, record);
    return record;
  }

  /** Stores a configuration whose layers are here; the id is the digest of exactly these bytes. */
  createImage(o: { config: ImageConfig | Uint8Array; tags?: readonly string[] }): string {
    const bytes = o.config instanceof Uint8Array ? o.config : Buffer.from(JSON.stringify(o.config));
    const config = JSON.parse(Buffer.from(bytes).toString()) as ImageConfig; // made or checked by the caller
    for (const chain of chainIdsOf(config.rootfs.diff_ids)) {
      if (!this.layers.has(chain)) throw new BerthError("image/bad-archive", `the image names a layer that is not here: ${chain}`);
    }
    const id = this.putBlob(bytes);
    this.configs.set(id, config);
    const old = this.records.get(id);
    this.writeImage({ ...old, id, repoDigests: old?.repoDigests ?? [], blobs: old?.blobs ?? [], taggedAt: new Date().toISOString() });
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

  /** The full names of a repository that are here. */
  tagsOf({ domain, repository }: Reference): string[] {
    return Object.keys(this.tags)
      .filter((name) => name.startsWith(`${domain}/${repository}:`))
      .sort();
  }

  /** Names of an image in full form. */
  canonicalTags(id: string): string[] {
    return Object.entries(this.tags).flatMap(([name, target]) => (target === id ? [name] : []));
  }

  private checkRemovable(image: StoredImage, ref: string, byName: boolean, user: string | undefined, force: boolean): void {
    const short = image.id.slice(7, 19);
    const refuse = (text: string): never => {
      throw new BerthError("image/in-use", `conflict: unable to ${text}`);
    };
    const repositories = new Set(image.repoTags.map((tag) => familiarRepository(parseReference(tag))));
    if (!byName && repositories.size > 1 && !force)
      refuse(`delete ${short} (must be forced) - image is referenced in multiple repositories`);
    if (user === undefined) return;
    const running = user.startsWith("running ");
    const container = user.split(" ").at(-1);
    if (byName && !force) {
      refuse(`remove repository reference "${ref}" (must force) - container ${container} is using its referenced image ${short}`);
    }
    if (!byName && running) refuse(`delete ${short} (cannot be forced) - image is being used by running container ${container}`);
    if (!byName && !force) refuse(`delete ${short} (must be forced) - image is being used by stopped container ${container}`);
  }

  private jobOptions(signal: AbortSignal): { signal: AbortSignal; workerFile?: string } {
    return this.workerFile === undefined ? { signal } : { signal, workerFile: this.workerFile };
  }

  private chainDirs(chain: string | undefined): string[] {
    const dirs: string[] = [];
    for (let at: string | null | undefined = chain; at; at = this.layers.get(at)?.parent) dirs.push(this.layerDir(at));
    return dirs;
  }

  private stored(id: string): StoredImage {
    const config = this.configs.get(id)!; // set together with the record
    const chainIds = chainIdsOf(config.rootfs.diff_ids);
    return {
      id,
      config,
      repoTags: this.canonicalTags(id)
        .map((name) => familiarName(name))
        .sort(),
      repoDigests: (this.records.get(id)?.repoDigests ?? []).map((name) => familiarName(name)),
      size: chainIds.reduce((sum, chain) => sum + (this.layers.get(chain)?.size ?? 0), 0),
      created: config.created ?? "0001-01-01T00:00:00Z",
      chainIds,
    };
  }

  private idOf(ref: string): string | undefined {
    if (/^sha256:[0-9a-f]+$/.test(ref)) return this.byPrefix(ref.slice(7));
    if (/^[0-9a-f]{64}$/.test(ref)) return this.byPrefix(ref);
    const named = this.byName(ref);
    if (named !== undefined) return named;
    return /^[0-9a-f]{2,63}$/.test(ref) ? this.byPrefix(ref) : undefined;
  }

  private byPrefix(hex: string): string | undefined {
    const matches = [...this.records.keys()].filter((id) => id.startsWith(`sha256:${hex}`));
    return matches.length === 1 ? matches[0] : undefined;
  }

  private byName(ref: string): string | undefined {
    const reference = parseReference(ref);
    if (reference.digest === undefined) return this.tags[canonicalName(reference)];
    const repository = `${reference.domain}/${reference.repository}`;
    for (const record of this.records.values()) if (record.repoDigests.includes(`${repository}@${reference.digest}`)) return record.id;
    const own =
      this.records.has(reference.digest) && this.canonicalTags(reference.digest).some((name) => name.startsWith(`${repository}:`));
    return own ? reference.digest : undefined;
  }

  /** The full name that `ref` is, when it names this image by tag and not by id. */
  private tagNamed(ref: string, id: string): string | undefined {
    if (/^sha256:/.test(ref) || /^[0-9a-f]{64}$/.test(ref)) return undefined;
    const name = canonicalName(parseReference(ref));
    return this.tags[name] === id ? name : undefined;
  }

  private forget(id: string): void {
    rmSync(join(this.rootDir, "images", `${id.slice(7)}.json`), { force: true });
    const blobs = [id, ...(this.records.get(id)?.blobs ?? [])];
    this.records.delete(id);
    this.configs.delete(id);
    this.writeRefs();
    this.sweepBlobs(new Set(blobs));
    this.tell({ action: "delete", id });
  }

  /** `now`: chains that may go although they are young, because their image was just removed. */
  private collect(now: ReadonlySet<string> = new Set()): string[] {
    if (this.transfers > 0) return [];
    const needed = new Set<string>();
    const keep = (chain: string | null | undefined) => {
      for (let at = chain; at && !needed.has(at); at = this.layers.get(at)?.parent) needed.add(at);
    };
    for (const config of this.configs.values()) keep(chainIdsOf(config.rootfs.diff_ids).at(-1));
    for (const roots of this.layerRoots) for (const chain of roots()) keep(chain);
    for (const chain of this.layers.keys()) if (!now.has(chain) && this.isYoung(chain)) keep(chain);
    const gone = [...this.layers.values()].filter((layer) => !needed.has(layer.chainId));
    for (const layer of gone) {
      rmSync(join(this.rootDir, "layers", `${layer.chainId.slice(7)}.json`), { force: true });
      this.layers.delete(layer.chainId);
      this.discard(join(this.rootDir, "l", layer.directory));
    }
    if (gone.length > 0) this.sweepBlobs(new Set(gone.flatMap((layer) => (layer.blob ? [layer.blob.digest] : []))));
    return gone.map((layer) => layer.chainId).reverse();
  }

  private isYoung(key: string): boolean {
    return Date.now() - (this.touched.get(key) ?? 0) < graceMs;
  }

  /** Removes unreferenced blobs: `only` these, or all that are not young. */
  private sweepBlobs(only?: ReadonlySet<string>): void {
    if (this.transfers > 0) return;
    const needed = new Set<string>();
    for (const record of this.records.values()) for (const digest of [record.id, ...record.blobs]) needed.add(digest);
    for (const layer of this.layers.values()) if (layer.blob) needed.add(layer.blob.digest);
    const candidates = only ?? new Set(readdirSync(join(this.rootDir, "blobs/sha256")).map((name) => `sha256:${name}`));
    for (const digest of candidates) {
      if (!needed.has(digest) && (only || !this.isYoung(digest))) rmSync(this.blobPath(digest), { force: true });
    }
  }

  /** Gone for readers at once (renamed), removed in the background; what stays goes when the store is opened again. */
  private discard(path: string): void {
    const doomed = join(this.tempDir(), `gone-${randomBytes(6).toString("hex")}`);
    try {
      renameSync(path, doomed);
    } catch {
      return; // not there
    }
    const removal = rm(doomed, { recursive: true, force: true })
      .catch(() => undefined)
      .finally(() => this.removals.delete(removal));
    this.removals.add(removal);
  }

  private writeImage(record: ImageRecord): void {
    writeFileAtomic(join(this.rootDir, "images", `${record.id.slice(7)}.json`), JSON.stringify(record));
    this.records.set(record.id, record);
  }

  /** The names, and `index.json` for tools that read OCI layouts (the images whose manifest is stored). */
  private writeRefs(): void {
    writeFileAtomic(join(this.rootDir, "refs.json"), JSON.stringify({ tags: this.tags }));
    const manifests = [...this.records.values()].flatMap((record) => {
      const digest = record.blobs[0];
      const size = digest === undefined ? undefined : statSync(this.blobPath(digest), { throwIfNoEntry: false })?.size;
      if (digest === undefined || size === undefined) return [];
      const mediaType =
        (JSON.parse(readFileSync(this.blobPath(digest), "utf8")) as { mediaType?: string }).mediaType ?? // parsed when it was stored
        "application/vnd.oci.image.manifest.v1+json";
      const named = this.canonicalTags(record.id).map((name) => ({
        mediaType,
        digest,
        size,
        annotations: { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": familiarName(name) },
      }));
      return named.length > 0 ? named : [{ mediaType, digest, size }];
    });
    const index = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests };
    writeFileAtomic(join(this.rootDir, "index.json"), JSON.stringify(index), { mode: 0o644 });
  }

  private readRecords<T>(directory: string, aside: string[]): T[] {
    const path = join(this.rootDir, directory);
    return readdirSync(path).flatMap((name) => {
      if (name.endsWith(".tmp")) rmSync(join(path, name), { force: true });
      return name.endsWith(".json") ? (readRecord<T>(join(path, name), aside) ?? []) : [];
    });
  }
}

/** A record that this room wrote. One that cannot be read is moved aside and named. */
function readRecord<T>(path: string, aside: string[]): T | undefined {
  try {
    return readJsonFile(path) as T | undefined;
  } catch {
    const to = `${path}.unreadable-${Date.now()}`;
    renameSync(path, to);
    aside.push(to);
    return undefined;
  }
}

function directoryName(chainId: string): string {
  return chainId.slice("sha256:".length, "sha256:".length + 12);
}
