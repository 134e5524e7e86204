import { readFileSync, statSync } from "node:fs";
import type { ImageRecord } from "./image-record.ts";
import { familiarName } from "./reference.ts";

/** `index.json` of a store, for tools that read OCI layouts: the images whose manifest is stored, under their names. */
export function ociIndex(
  records: Iterable<ImageRecord>,
  o: { namesOf: (id: string) => readonly string[]; blobPath: (digest: string) => string },
): string {
  const manifests = [...records].flatMap((record) => {
    const digest = record.blobs[0];
    const size = digest === undefined ? undefined : statSync(o.blobPath(digest), { throwIfNoEntry: false })?.size;
    if (digest === undefined || size === undefined) return [];
    const mediaType =
      (JSON.parse(readFileSync(o.blobPath(digest), "utf8")) as { mediaType?: string }).mediaType ?? // parsed when it was stored
      "application/vnd.oci.image.manifest.v1+json";
    const named = o.namesOf(record.id).map((name) => ({
      mediaType,
      digest,
      size,
      annotations: { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": familiarName(name) },
    }));
    return named.length > 0 ? named : [{ mediaType, digest, size }];
  });
  return JSON.stringify({ schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests });
}
