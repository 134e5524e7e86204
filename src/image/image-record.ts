import { createHash } from "node:crypto";
import type { ImageConfig } from "../api/index.ts";

export interface StoredImage {
  /** "sha256:...": the digest of the configuration's bytes. */
  readonly id: string;
  readonly config: ImageConfig;
  /** As Docker shows them: "debian:bookworm". */
  readonly repoTags: readonly string[];
  /** "debian@sha256:...". */
  readonly repoDigests: readonly string[];
  /** Bytes of the files of all its layers. */
  readonly size: number;
  readonly created: string;
  /** Bottom first. */
  readonly chainIds: readonly string[];
}

export interface LayerInfo {
  readonly chainId: string;
  readonly diffId: string;
  readonly size: number;
}

/**
 * `layers/<chain hex>.json`, e.g. {"chainId":"sha256:..","diffId":"sha256:..","parent":null,"size":77812,"directory":"1f0c9be2a4d7",
 * "blob":{"digest":"sha256:..","size":30412,"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip"}}
 */
export interface LayerRecord extends LayerInfo {
  readonly parent: string | null;
  /** Name below `l/`: short, because all layers of an image stand in one mount option. */
  readonly directory: string;
  /** The archive it came from, kept so that a push or save gives the same digest. Absent for layers made here: their archive is made again. */
  readonly blob?: Descriptor;
}

export interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
}

/** `images/<config hex>.json`: e.g. {"id":"sha256:..","repoDigests":["docker.io/library/debian@sha256:.."],"blobs":["sha256:.."],"taggedAt":"2026-01-01T00:00:00Z"} */
export interface ImageRecord {
  readonly id: string;
  readonly repoDigests: readonly string[];
  /** Manifests (and indexes) that name this image, which are kept with it. */
  readonly blobs: readonly string[];
  readonly taggedAt: string;
  /** When a registry was last asked for it. */
  readonly pulledAt?: string;
}

export type ImageChange = {
  readonly action: "pull" | "push" | "tag" | "untag" | "delete" | "load" | "import" | "create" | "save";
  readonly id: string;
  readonly name?: string;
};

export type RemovedItem = { Untagged?: string; Deleted?: string };

/** image-spec config.md: the id of a stack of layers, the diff id itself for the lowest. */
export function chainOf(parent: string | undefined, diffId: string): string {
  return parent === undefined ? diffId : sha256(`${parent} ${diffId}`);
}

export function chainIdsOf(diffIds: readonly string[]): string[] {
  const chains: string[] = [];
  for (const diffId of diffIds) chains.push(chainOf(chains.at(-1), diffId));
  return chains;
}

export function sha256(data: string | Uint8Array): string {
  return `sha256:${createHash("sha256").update(data).digest("hex")}`;
}
