import { BerthError } from "../system/index.ts";
import type { Descriptor } from "./image-record.ts";
import { mediaTypes } from "./manifest.ts";
import { canonicalName, familiarName, parseReference } from "./reference.ts";
import { downloadBlob } from "./registry-blob.ts";
import { RegistryClient } from "./registry-client.ts";
import type { RegistryAuth, RegistrySettings } from "./registry-options.ts";
import { fetchRawManifest } from "./registry-pull.ts";
import { pushBlob } from "./registry-push.ts";
import type { ImageStore } from "./store.ts";

/** What is under one name of a registry, as blobs and a manifest: for content that is no image. Close it when done. */
export interface RegistryContent {
  manifest(): Promise<Buffer | undefined>;
  read(blob: Descriptor, onBytes: (current: number) => void): AsyncIterable<Buffer>;
  has(blob: Descriptor): Promise<boolean>;
  write(blob: Descriptor, bytes: () => AsyncIterable<Buffer>): Promise<void>;
  writeManifest(manifest: Descriptor, bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** @throws BerthError `image/bad-reference` */
export function registryContent(
  store: ImageStore,
  ref: string,
  o: { write: boolean; auth?: RegistryAuth; settings?: RegistrySettings; signal: AbortSignal },
): RegistryContent {
  const reference = parseReference(ref);
  const { repository, domain } = reference;
  const client = new RegistryClient({
    domain,
    signal: o.signal,
    ...(o.auth ? { auth: o.auth } : {}),
    ...(o.settings ? { settings: o.settings } : {}),
  });
  const scope = `repository:${repository}:pull${o.write ? ",push" : ""}`;
  const which = reference.digest ?? reference.tag ?? "latest";
  return {
    manifest: async () => {
      try {
        return (await fetchRawManifest(client, repository, which)).bytes;
      } catch (error) {
        if (error instanceof BerthError && error.code === "image/not-found") return undefined;
        throw error;
      }
    },
    read: (blob, onBytes) => downloadBlob(store, client, repository, blob, { signal: o.signal, onBytes }),
    has: async (blob) => {
      const head = await client.request({ method: "HEAD", path: `${repository}/blobs/${blob.digest}`, accept: [200, 404], scope });
      await head.body.dump();
      return head.statusCode === 200;
    },
    write: async (blob, read) => await pushBlob(client, repository, { ...blob, read }, scope, undefined, { signal: o.signal }),
    writeManifest: async (manifest, bytes) => {
      if (reference.digest)
        throw new BerthError("image/bad-reference", `cannot write to a digest: ${familiarName(canonicalName(reference))}`);
      const headers = { "content-type": manifest.mediaType || mediaTypes.ociManifest };
      const response = await client.request({
        method: "PUT",
        path: `${repository}/manifests/${which}`,
        headers,
        body: bytes,
        accept: [200, 201, 202],
        scope,
      });
      await response.body.dump();
    },
    close: () => client.close(),
  };
}
