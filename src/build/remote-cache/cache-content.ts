import type { CacheEntry } from "./cache-entry.ts";

/** As in OCI manifests. */
export interface BlobDescriptor {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
}

/** One place where a cache lies or is put: a repository of a registry, a directory, a client's directory behind its session. */
export interface CacheContent {
  /** The manifest, or undefined where there is none. */
  manifest(): Promise<Buffer | undefined>;
  read(blob: BlobDescriptor, onBytes: (current: number) => void): AsyncIterable<Buffer>;
  has(blob: BlobDescriptor): Promise<boolean>;
  write(blob: BlobDescriptor, bytes: () => AsyncIterable<Buffer>): Promise<void>;
  /** Puts the manifest last: what reads the place meanwhile sees the old cache or the new one. */
  writeManifest(manifest: BlobDescriptor, bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** @throws BerthError when the place cannot be reached at all */
export type OpenCache = (entry: CacheEntry, o: { purpose: "import" | "export"; signal: AbortSignal }) => Promise<CacheContent>;
