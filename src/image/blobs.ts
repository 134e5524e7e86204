import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../system/index.ts";
import { sha256 } from "./image-record.ts";

/** The content-addressed files of a store, `blobs/sha256/<hex>` as in an OCI image layout (image-layout.md). */
export class Blobs {
  readonly #directory: string;

  constructor(rootDir: string) {
    this.#directory = join(rootDir, "blobs/sha256");
  }

  path(digest: string): string {
    return join(this.#directory, digest.slice("sha256:".length));
  }

  has(digest: string): boolean {
    return existsSync(this.path(digest));
  }

  /** Answers the digest. `before` is told of it while the blob may not be there yet. */
  put(bytes: Uint8Array, before: (digest: string) => void): string {
    const digest = sha256(bytes);
    before(digest);
    if (!this.has(digest)) writeFileAtomic(this.path(digest), bytes, { mode: 0o644 });
    return digest;
  }

  remove(digest: string): void {
    rmSync(this.path(digest), { force: true });
  }

  digests(): string[] {
    return readdirSync(this.#directory).map((name) => `sha256:${name}`);
  }
}
