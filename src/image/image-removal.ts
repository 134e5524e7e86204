import { BerthError } from "../system/index.ts";
import type { Garbage } from "./garbage.ts";
import type { ImageCatalog } from "./image-catalog.ts";
import type { ImageChange, RemovedItem, StoredImage } from "./image-record.ts";
import { canonicalName, familiarName, parseReference } from "./reference.ts";

/** Who needs an image: "running <container>", "<container>", or nobody. One that runs comes first. */
export type ImageUser = (imageId: string) => string | undefined;

export interface RemovalOptions {
  readonly force?: boolean;
  /** Leaves the images that this one was made of, though nobody needs them any more. */
  readonly noPrune?: boolean;
  readonly inUse?: ImageUser;
}

export interface RemovalContext {
  readonly catalog: ImageCatalog;
  readonly garbage: Garbage;
  readonly tell: (change: ImageChange) => void;
}

/**
 * Docker's `rmi` (moby, daemon/images/image_delete.go): a name is taken away, and the image goes with its last name, and with it what it was made of as far as
 * nobody needs that.
 * @throws BerthError `image/not-found`, `image/in-use`
 */
export function removeImage(context: RemovalContext, ref: string, o: RemovalOptions): RemovedItem[] {
  const { id } = context.catalog.get(ref);
  return removeNamed(context, id, ref, nameMeant(context.catalog, ref, id), o);
}

/** `named`: the full name, undefined where the image was found by its id. */
function removeNamed(context: RemovalContext, id: string, ref: string, named: string | undefined, o: RemovalOptions): RemovedItem[] {
  const { catalog, tell } = context;
  const report: RemovedItem[] = [];
  const untag = (name: string, isTold = true) => {
    report.push(dropName(catalog, id, name));
    if (isTold) tell({ action: "untag", id, name: familiarName(name) });
  };
  const isSingle = isSingleReference(allNames(catalog, id));
  if (named !== undefined) {
    const user = isSingle && !o.force ? o.inUse?.(id) : undefined;
    if (user !== undefined)
      throw conflict(
        `remove repository reference "${ref}" (must force) - container ${containerOf(user)} is using its referenced image ${shortId(id)}`,
      );
    untag(named);
    // With the last tag in a repository go its digests there.
    const left = allNames(catalog, id).filter((name) => repositoryOf(name) === repositoryOf(named));
    if (!isDigest(named) && left.every(isDigest)) for (const digest of left) untag(digest, false);
    catalog.writeNames();
    if (allNames(catalog, id).length > 0) return report;
  } else if (isSingle) {
    const found = conflictOf(catalog, id, { ...o, areNamesKnown: true });
    if (found) throw conflict(found.text);
    for (const name of allNames(catalog, id)) untag(name);
  }
  removeWhole(context, id, report, { ...o, isQuiet: named !== undefined });
  return report;
}

/** Removes an image that has to have no conflict; a quiet one is left alone instead, unless nothing needs it and its removal was asked for. */
function removeWhole(context: RemovalContext, id: string, report: RemovedItem[], o: RemovalOptions & { isQuiet: boolean }): void {
  const { catalog, garbage, tell } = context;
  const found = conflictOf(catalog, id, o);
  if (found) {
    const isDangling = allNames(catalog, id).length === 0 && !catalog.isParent(id);
    if (o.isQuiet && (!isDangling || found.isUsed)) return;
    throw conflict(found.text);
  }
  const { config, chainIds } = catalog.get(id);
  for (const name of allNames(catalog, id)) {
    report.push(dropName(catalog, id, name));
    tell({ action: "untag", id, name: familiarName(name) });
  }
  garbage.sweepBlobs(new Set(catalog.forget(id)));
  tell({ action: "delete", id });
  report.push({ Deleted: id }, ...garbage.collectLayers(new Set(chainIds)).map((chain) => ({ Deleted: chain })));
  if (!o.noPrune && config.parent && catalog.has(config.parent))
    removeWhole(context, config.parent, report, { ...(o.inUse ? { inUse: o.inUse } : {}), isQuiet: true });
}

/** Why an image cannot go; by force only what is in use by something that runs, or needed by another image, stays. */
function conflictOf(
  catalog: ImageCatalog,
  id: string,
  o: RemovalOptions & { areNamesKnown?: boolean },
): { text: string; isUsed: boolean } | undefined {
  const hard = (why: string, isUsed: boolean) => ({ text: `delete ${shortId(id)} (cannot be forced) - ${why}`, isUsed });
  const soft = (why: string, isUsed: boolean) => ({ text: `delete ${shortId(id)} (must be forced) - ${why}`, isUsed });
  if (catalog.isParent(id)) return hard("image has dependent child images", false);
  const user = o.inUse?.(id);
  if (user?.startsWith("running ")) return hard(`image is being used by running container ${containerOf(user)}`, true);
  if (o.force) return undefined;
  if (!o.areNamesKnown && allNames(catalog, id).length > 0) return soft("image is referenced in multiple repositories", false);
  return user === undefined ? undefined : soft(`image is being used by stopped container ${containerOf(user)}`, true);
}

export interface PruneOptions {
  readonly all?: boolean;
  readonly inUse: ImageUser;
  readonly keep?: (image: StoredImage) => boolean;
}

/** Removes the images without a tag, or with `all` every image, that nothing uses. What others were made of goes with the last of them. */
export function pruneImages(context: RemovalContext, o: PruneOptions): RemovedItem[] {
  const { catalog } = context;
  return catalog.list().flatMap((image) => {
    const names = allNames(catalog, image.id);
    const isAsked = o.all ? names.length > 0 || !catalog.isParent(image.id) : image.repoTags.length === 0 && !catalog.isParent(image.id);
    if (!isAsked || !catalog.has(image.id) || o.inUse(image.id) !== undefined || o.keep?.(image)) return [];
    if (names.length === 0) return removeNamed(context, image.id, image.id, undefined, { inUse: o.inUse });
    return names.flatMap((name) =>
      catalog.has(image.id) && allNames(catalog, image.id).includes(name)
        ? removeNamed(context, image.id, familiarName(name), name, { inUse: o.inUse })
        : [],
    );
  });
}

/** Tags and digests, in full ("docker.io/library/debian:bookworm", "docker.io/library/debian@sha256:..."). */
const allNames = (catalog: ImageCatalog, id: string) => [...catalog.namesOf(id), ...(catalog.record(id)?.repoDigests ?? [])];

/** In memory; whoever calls writes the names. */
function dropName(catalog: ImageCatalog, id: string, name: string): RemovedItem {
  if (isDigest(name)) catalog.dropDigests(id, (digest) => digest === name);
  else catalog.dropName(name);
  return { Untagged: familiarName(name) };
}

/** The full name that `ref` is, when it names this image by tag or digest and not by its id. */
function nameMeant(catalog: ImageCatalog, ref: string, id: string): string | undefined {
  if (/^sha256:/.test(ref) || /^[0-9a-f]{64}$/.test(ref)) return undefined;
  const { domain, repository, digest, tag } = parseReference(ref);
  const name = canonicalName({ domain, repository, ...(digest ? { digest } : tag ? { tag } : {}) });
  return allNames(catalog, id).includes(name) ? name : undefined;
}

/** At most one tag, and digests of its repository. */
function isSingleReference(names: readonly string[]): boolean {
  return names.filter((name) => !isDigest(name)).length <= 1 && new Set(names.map(repositoryOf)).size <= 1;
}

const isDigest = (name: string) => name.includes("@");
const repositoryOf = (name: string) => (isDigest(name) ? name.slice(0, name.indexOf("@")) : name.slice(0, name.lastIndexOf(":")));
const containerOf = (user: string) => user.split(" ").at(-1);
const shortId = (id: string) => id.slice(7, 19);
const conflict = (text: string) => new BerthError("image/in-use", `conflict: unable to ${text}`);
