import { initLayer } from "../../runtime/index.ts";
import type { Images } from "../ports.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { ContainerParts } from "./parts.ts";

/** Overlay lower directories of an image's chains (which are kept bottom first), top first. */
export function layerDirs(images: Pick<Images, "layerDir">, chainIds: readonly string[]): string[] {
  return [...chainIds].reverse().map((chain) => images.layerDir(chain));
}

/** The lower directories of a container's root: the engine's own layer of mount points, then the image. */
export function lowerDirs({ images, paths }: Pick<ContainerParts, "images" | "paths">, record: ContainerRecord): string[] {
  return [initLayer(paths.root), ...layerDirs(images, record.Berth.chainIds)];
}
