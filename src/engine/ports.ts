import type { ImageConfig } from "../api/index.ts";

/** What the engine needs from the image store. */
export interface Images {
  resolve(ref: string): EngineImage | undefined;
  get(ref: string): EngineImage;
  layerDir(chainId: string): string;
  addLayerRoots(roots: () => Iterable<string>): void;
}

export interface EngineImage {
  readonly id: string;
  readonly config: ImageConfig;
  readonly repoTags: readonly string[];
  readonly chainIds: readonly string[];
}

export interface Logger {
  debug(data: object, message: string): void;
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  error(data: object, message: string): void;
}
