import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BerthError, errnoOf } from "../system/index.ts";
import type { Descriptor } from "./image-record.ts";
import type { RegistryClient } from "./registry-client.ts";
import type { ImageStore } from "./store.ts";

/** Forgets what a broken download left of a blob. */
export function discardPartial(store: ImageStore, digest: string): void {
  rmSync(partialFile(store, digest), { force: true });
}

function partialFile(store: ImageStore, digest: string): string {
  return join(store.rootDir, "partial", digest.slice("sha256:".length));
}

/**
 * Yields a blob's bytes while they are downloaded and kept in `partial/`; after the last byte the blob is in the store, verified. What an
 * earlier, broken run left is yielded first and the rest asked for with Range; a connection that breaks is taken up again.
 * @throws BerthError `image/registry` when the content is not what its digest says, `system/disk-full`
 */
export async function* downloadBlob(
  store: ImageStore,
  client: RegistryClient,
  repository: string,
  blob: Descriptor,
  o: { signal: AbortSignal; onBytes: (current: number) => void },
): AsyncGenerator<Buffer> {
  const path = partialFile(store, blob.digest);
  const hash = createHash("sha256");
  let have = 0;
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > blob.size) rmSync(path);
  if (statSync(path, { throwIfNoEntry: false })) {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      have += chunk.length;
      o.onBytes(have);
      yield chunk;
    }
  }
  const fd = openSync(path, "a", 0o600);
  try {
    for (let stalls = 0; have < blob.size; ) {
      const before = have;
      try {
        const headers: Record<string, string> = have > 0 ? { range: `bytes=${have}-` } : {};
        const response = await client.request({
          method: "GET",
          path: `${repository}/blobs/${blob.digest}`,
          headers,
          accept: [200, 206],
          scope: `repository:${repository}:pull`,
        });
        let skip = response.statusCode === 200 ? have : 0;
        for await (const raw of response.body as AsyncIterable<Buffer>) {
          const chunk = raw.subarray(Math.min(skip, raw.length));
          skip -= raw.length - chunk.length;
          if (chunk.length === 0) continue;
          if (have + chunk.length > blob.size)
            throw new BerthError("image/registry", `${blob.digest} is longer than the ${blob.size} bytes it should have`);
          for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
          hash.update(chunk);
          have += chunk.length;
          o.onBytes(have);
          yield chunk;
        }
      } catch (error) {
        o.signal.throwIfAborted();
        if (errnoOf(error) === "ENOSPC" || errnoOf(error) === "EDQUOT")
          throw new BerthError("system/disk-full", `the disk is full while downloading ${blob.digest}; what is here is kept`, {
            cause: error,
          });
        // A registry that was there and restarts is waited for.
        const away = error instanceof BerthError && error.code === "image/registry" && error.cause !== undefined && have > 0;
        if (error instanceof BerthError && !away) throw error;
      }
      stalls = have > before ? 0 : stalls + 1;
      if (stalls >= 5)
        throw new BerthError("image/registry", `the download of ${blob.digest} broke off at ${have} of ${blob.size} bytes`, {
          hint: "Pull again: it goes on from there.",
        });
      if (have < blob.size) await delay(stalls * 500, undefined, { signal: o.signal });
    }
  } finally {
    closeSync(fd);
  }
  const found = `sha256:${hash.digest("hex")}`;
  if (found !== blob.digest) {
    rmSync(path, { force: true });
    throw new BerthError("image/registry", `filesystem layer verification failed for digest ${blob.digest}: the registry sent ${found}`);
  }
  store.touch(blob.digest);
  renameSync(path, store.blobPath(blob.digest));
}
