import type { ImageConfig } from "../api/index.ts";
import type { BlobDescriptor } from "./remote-cache/cache-content.ts";

/** What a build needs from the image store; `ImageStore` of src/image is one. */
export interface BuildImages {
  resolve(ref: string): BaseImage | undefined;
  /** Overlay lower directories of an image, top layer first. */
  layerDirs(id: string): string[];
  layerDir(chainId: string): string;
  /** A directory on the file system of the layers; upper directories are made in it. */
  tempDir(): string;
  /** Adopts an overlay upper directory as a layer on top of a chain. */
  commitLayer(o: { parentChainId?: string; upperDir: string; signal: AbortSignal }): Promise<Layer>;
  createImage(o: { config: ImageConfig; tags?: string[] }): string;
  /** Layers that the build cache holds must survive garbage collection: called once with a function that names them. */
  addLayerRoots?(chainIds: () => Iterable<string>): void;
  hasLayer?(chainId: string): boolean;
  /** A layer that is here. */
  layer?(chainId: string): { readonly size: number } | undefined;
  /** Unpacks a layer's archive as it comes, unless the layer is here or on its way. @throws BerthError when its content is not what `diffId` says */
  fetchLayer?(
    chainId: string,
    o: { parent: string | undefined; diffId: string; input: AsyncIterable<Buffer>; blob: BlobDescriptor; signal: AbortSignal },
  ): Promise<Layer>;
  /** A layer's archive: the one it came as, or one that is made anew, whose digest is its diff id. */
  layerArchive?(chainId: string): BlobDescriptor & { read(): AsyncIterable<Buffer> };
  /** Frees layers that no image and no cache record names any more. */
  collectGarbage?(): unknown;
}

export interface BaseImage {
  readonly id: string;
  readonly config: ImageConfig;
  readonly chainIds: readonly string[];
  readonly repoDigests?: readonly string[];
}

export interface Layer {
  readonly chainId: string;
  readonly diffId: string;
  readonly size: number;
}

/** What a registry says of an image, without its layers, and how its manifest is called; undefined where only a pull can tell. */
export type PeekImage = (
  ref: string,
  o: { platform?: string; signal: AbortSignal },
) => Promise<{ config: ImageConfig; digest: string } | undefined>;

/** Fetches an image that is not here (or, with `build.pull`, a newer one); resolves to its id. */
export type PullImage = (
  ref: string,
  o: { platform?: string; signal: AbortSignal; onProgress: (p: { id: string; current: number; total: number; done: boolean }) => void },
) => Promise<string>;

/** Base images that are nobody's images here: what a build stands on is kept by the build cache, as BuildKit does. */
export interface BaseSource {
  /** What a registry says that a reference means now: its digest there, and that of the manifest for the platform. */
  digests(ref: string, o: { platform?: string; signal: AbortSignal }): Promise<{ readonly top: string; readonly digest: string }>;
  /** The configuration, without layers; undefined where only `layers` can tell. */
  peek: PeekImage;
  /** Brings the layers into the store. */
  layers(ref: string, o: Parameters<PullImage>[1]): Promise<RemoteBase>;
}

export interface RemoteBase {
  readonly top: string;
  readonly digest: string;
  readonly config: ImageConfig;
  readonly chainIds: readonly string[];
  readonly size: number;
}
