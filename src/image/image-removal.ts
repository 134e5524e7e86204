import type { Garbage } from "./garbage.ts";
import type { ImageCatalog } from "./image-catalog.ts";
import type { ImageChange, RemovedItem, StoredImage } from "./image-record.ts";
import { canonicalName, familiarName, familiarRepository, parseReference } from "./reference.ts";
import { checkRemovable } from "./removal-rules.ts";

export interface RemovalOptions {
  readonly force?: boolean;
  /** "running <container>" or "<container>" that needs the image. */
  readonly inUse?: (imageId: string) => string | undefined;
}

export interface RemovalContext {
  readonly catalog: ImageCatalog;
  readonly garbage: Garbage;
  readonly tell: (change: ImageChange) => void;
}

/**
 * Docker's `rmi`: a name is taken away, and the image goes with its last name.
 * @throws BerthError `image/not-found`, `image/in-use`
 */
export function removeImage({ catalog, garbage, tell }: RemovalContext, ref: string, o: RemovalOptions): RemovedItem[] {
  const image = catalog.get(ref);
  const digest = repoDigestOf(ref);
  if (digest !== undefined && image.repoTags.length + image.repoDigests.length > 1) {
    const gone = catalog.dropDigests(image.id, (repoDigest) => familiarName(repoDigest) === digest);
    if (gone.length > 0) catalog.writeNames();
    return gone.map((repoDigest) => ({ Untagged: repoDigest }));
  }
  const name = nameMeant(catalog, ref, image.id);
  if (name !== undefined && image.repoTags.length > 1) {
    catalog.untag(name);
    tell({ action: "untag", id: image.id, name: familiarName(name) });
    return [{ Untagged: familiarName(name) }, ...dropRepository(catalog, image.id, name)];
  }
  const user = o.inUse?.(image.id);
  checkRemovable(image, ref, { byName: name !== undefined, user, force: o.force === true });
  const report: RemovedItem[] = [];
  for (const tag of catalog.takeNames(image.id)) {
    report.push({ Untagged: familiarName(tag) });
    tell({ action: "untag", id: image.id, name: familiarName(tag) });
  }
  if (user?.startsWith("running ") && name !== undefined) {
    // A container runs with it: only the name goes, as with Docker's forced removal.
    catalog.writeNames();
    return report;
  }
  for (const repoDigest of image.repoDigests) report.push({ Untagged: repoDigest });
  garbage.sweepBlobs(new Set(catalog.forget(image.id)));
  tell({ action: "delete", id: image.id });
  report.push({ Deleted: image.id });
  for (const chain of garbage.collectLayers(new Set(image.chainIds))) report.push({ Deleted: chain });
  return report;
}

export interface PruneOptions {
  readonly all?: boolean;
  readonly inUse: (imageId: string) => string | undefined;
  readonly keep?: (image: StoredImage) => boolean;
}

/** Removes the images without a name, or with `all` every image, that nothing uses. */
export function pruneImages(context: RemovalContext, o: PruneOptions): RemovedItem[] {
  const isPruned = (image: StoredImage) => (o.all || image.repoTags.length === 0) && o.inUse(image.id) === undefined && !o.keep?.(image);
  return context.catalog.list().flatMap((image) => (isPruned(image) ? removeImage(context, image.id, { force: true }) : []));
}

/** With the last name that an image has in a repository goes its digest there, as with Docker. */
function dropRepository(catalog: ImageCatalog, id: string, gone: string): RemovedItem[] {
  const repository = gone.slice(0, gone.lastIndexOf(":"));
  if (catalog.namesOf(id).some((name) => name.startsWith(`${repository}:`))) return [];
  const digests = catalog.dropDigests(id, (repoDigest) => repoDigest.startsWith(`${repository}@`));
  return digests.map((digest) => ({ Untagged: familiarName(digest) }));
}

/** The full name that `ref` is, when it names this image by tag and not by id. */
function nameMeant(catalog: ImageCatalog, ref: string, id: string): string | undefined {
  if (/^sha256:/.test(ref) || /^[0-9a-f]{64}$/.test(ref)) return undefined;
  const name = canonicalName(parseReference(ref));
  return catalog.idOfName(name) === id ? name : undefined;
}

/** "debian@sha256:..." of a reference by digest, undefined for every other. */
function repoDigestOf(ref: string): string | undefined {
  if (!ref.includes("@")) return undefined;
  const reference = parseReference(ref);
  return reference.digest ? `${familiarRepository(reference)}@${reference.digest}` : undefined;
}
