import { randomBytes } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { BerthError, errnoOf, readJsonFile, writeFileAtomic } from "../../system/index.ts";
import type { BlobDescriptor, CacheContent } from "./cache-content.ts";

/** The annotation that names an entry of an OCI layout's index. */
const refName = "org.opencontainers.image.ref.name";

interface IndexEntry extends BlobDescriptor {
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A cache in an OCI layout on disk (`type=local`): blobs by digest, and an index that names the manifest by a tag. */
export function layoutContent(directory: string, o: { tag?: string; digest?: string; signal: AbortSignal }): CacheContent {
  const { tag = "latest", signal } = o;
  const blobPath = (digest: string) => join(directory, "blobs/sha256", digest.slice("sha256:".length));
  const indexFile = join(directory, "index.json");
  const entries = () => (existsSync(indexFile) ? ((readJsonFile(indexFile) as { manifests?: IndexEntry[] }).manifests ?? []) : []); // image-layout.md
  const write = async (blob: BlobDescriptor, bytes: AsyncIterable<Buffer>) => {
    mkdirSync(join(directory, "blobs/sha256"), { recursive: true });
    const path = blobPath(blob.digest);
    const temporary = `${path}.${randomBytes(4).toString("hex")}`;
    try {
      const file = await open(temporary, "wx", 0o644);
      try {
        for await (const chunk of bytes) {
          signal.throwIfAborted();
          await file.writeFile(chunk);
        }
      } finally {
        await file.close();
      }
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      if (errnoOf(error) === "ENOSPC")
        throw new BerthError("system/disk-full", `the disk is full while writing the cache to ${directory}`, { cause: error });
      throw error;
    }
  };
  return {
    manifest: async () => {
      const digest = o.digest ?? entries().find((entry) => entry.annotations?.[refName] === tag)?.digest;
      if (digest === undefined || !existsSync(blobPath(digest))) return undefined;
      return readFileSync(blobPath(digest));
    },
    read: async function* (blob, onBytes) {
      let current = 0;
      for await (const chunk of createReadStream(blobPath(blob.digest), { highWaterMark: 1 << 20, signal }) as AsyncIterable<Buffer>) {
        current += chunk.length;
        onBytes(current);
        yield chunk;
      }
    },
    has: async (blob) => statSync(blobPath(blob.digest), { throwIfNoEntry: false })?.size === blob.size,
    write: async (blob, bytes) => {
      if (!existsSync(blobPath(blob.digest))) await write(blob, bytes());
    },
    writeManifest: async (manifest, bytes) => {
      await write(
        manifest,
        (async function* () {
          yield bytes;
        })(),
      );
      const others = entries().filter((entry) => entry.annotations?.[refName] !== tag);
      const { mediaType, digest, size } = manifest;
      const manifests = [...others, { mediaType, digest, size, annotations: { [refName]: tag } }];
      const index = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests };
      writeFileAtomic(join(directory, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }), { mode: 0o644 });
      writeFileAtomic(indexFile, JSON.stringify(index), { mode: 0o644 });
    },
    close: async () => {},
  };
}
