import { basename, dirname, join } from "node:path";
import type { ImageStore, StoredImage } from "../../image/index.ts";
import { BerthError } from "../../system/index.ts";

/**
 * An image as GET /images/json lists it to a client of that version of the API. `containers`: how many use it, -1 where nobody counted.
 * Engine API, version history: 1.43 gave empty lists for no names, 1.44 dropped VirtualSize.
 */
export function imageSummary(image: StoredImage, o: { version: number; containers?: number; sharedSize?: number }) {
  const labels = image.config.config?.Labels;
  const repoDigests = o.version < 1.43 && image.repoDigests.length === 0 ? null : image.repoDigests;
  const names = { RepoTags: image.repoTags, RepoDigests: repoDigests };
  const unnamed = image.repoTags.length + image.repoDigests.length === 0;
  return {
    Id: image.id,
    ParentId: "",
    ...(o.version < 1.43 && unnamed ? { RepoTags: ["<none>:<none>"], RepoDigests: ["<none>@<none>"] } : names),
    Created: Math.floor(Date.parse(image.created) / 1000),
    Size: image.size,
    ...virtualSize(image, o.version),
    SharedSize: o.sharedSize ?? -1,
    Labels: labels && Object.keys(labels).length > 0 ? labels : null,
    Containers: o.containers ?? -1,
  };
}

const virtualSize = (image: StoredImage, version: number) => (version < 1.44 ? { VirtualSize: image.size } : {});

/**
 * An image as GET /images/{name}/json shows it to a client of that version of the API: 1.44 dropped VirtualSize, 1.45 the container that it was made of, 1.50
 * what only a container's configuration has.
 */
export function imageInspect(image: StoredImage, images: ImageStore, version: number) {
  const { config } = image;
  const variant = (config as { variant?: string }).variant; // image-spec config.md; arm has one
  const author = config.author ?? config.history?.at(-1)?.author;
  return {
    Id: image.id,
    RepoTags: image.repoTags,
    RepoDigests: image.repoDigests,
    Parent: config.parent ?? "", // what `commit` notes, as Docker does
    Comment: config.history?.at(-1)?.comment ?? "",
    Created: image.created,
    DockerVersion: (config as { docker_version?: string }).docker_version ?? "",
    Author: author ?? "",
    ...(version < 1.45 ? { ContainerConfig: { ...containerOnly, ...emptyConfig } } : {}),
    Config: { ...(version < 1.5 ? containerOnly : {}), ...emptyConfig, ...config.config },
    Architecture: config.architecture,
    ...(variant ? { Variant: variant } : {}),
    Os: config.os,
    Size: image.size,
    ...virtualSize(image, version),
    GraphDriver: { Name: "overlay2", Data: graphData(image, images) },
    RootFS: { Type: "layers", Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: images.taggedAt(image.id) },
  };
}

const emptyConfig = { Cmd: null, Entrypoint: null, Env: null, Labels: null, OnBuild: null, User: "", Volumes: null, WorkingDir: "" };

const containerOnly = {
  Hostname: "",
  Domainname: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Image: "",
};

/** The layers of an image as Docker's driver names them; only a container's have something in the merged and the work directory. */
function graphData(image: StoredImage, images: ImageStore): Record<string, string> {
  const [top = "", ...lower] = images.layerDirs(image.id);
  const beside = (name: string) => join(dirname(top), name, basename(top));
  return {
    ...(lower.length > 0 ? { LowerDir: lower.join(":") } : {}),
    MergedDir: beside("merged"),
    UpperDir: top,
    WorkDir: beside("work"),
  };
}

/** Newest first; an entry that made no layer has the size 0. */
export function imageHistory(image: StoredImage, images: ImageStore) {
  let layer = 0;
  const entries = (image.config.history ?? []).map((entry) => {
    const chain = entry.empty_layer ? undefined : image.chainIds[layer++];
    return {
      Id: "<missing>",
      Created: Math.floor(Date.parse(entry.created ?? image.created) / 1000),
      CreatedBy: entry.created_by ?? "",
      Tags: null as readonly string[] | null,
      Size: chain ? (images.layer(chain)?.size ?? 0) : 0,
      Comment: entry.comment ?? "",
    };
  });
  entries.reverse();
  // Each entry is of the image before, as far as images know their parent: what `commit` made does.
  let of: StoredImage | undefined = image;
  for (const entry of entries) {
    if (!of) break;
    entry.Id = of.id;
    entry.Tags = of.repoTags.length > 0 ? of.repoTags : null;
    of = of.config.parent ? images.resolve(of.config.parent) : undefined;
  }
  return entries;
}

/** The names of an image that a reference filter (a glob over the familiar name, with or without its tag) leaves. */
export function namesMatching(names: readonly string[], patterns: readonly string[]): string[] {
  for (const pattern of patterns)
    if (/\[[^\]]*$|(^|[^\\])(\\\\)*\\$/.test(pattern)) throw new BerthError("api/unreadable-value", "syntax error in pattern");
  const expressions = patterns.map(globExpression);
  return names.filter((name) => {
    const bare = name.includes("@") ? name.slice(0, name.indexOf("@")) : name.slice(0, name.lastIndexOf(":"));
    const forms = [name, bare];
    return expressions.some((expression) => forms.some((form) => expression.test(form)));
  });
}

/** Go's path.Match: `*` and `?` stop at a slash. */
function globExpression(pattern: string): RegExp {
  const escaped = pattern
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  try {
    return new RegExp(`^${escaped}$`);
  } catch {
    return /^$/; // A pattern that is none matches nothing.
  }
}
