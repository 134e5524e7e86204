import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ContainerRecord } from "../container-record.ts";
import type { Images } from "../ports.ts";
import type { ContainerParts } from "./parts.ts";

/** Overlay lower directories of an image's chains (which are kept bottom first), top first. */
export function layerDirs(images: Pick<Images, "layerDir">, chainIds: readonly string[]): string[] {
  return [...chainIds].reverse().map((chain) => images.layerDir(chain));
}

/** The lower directories of a container's root. An image without layers has an empty one. */
export function lowerDirs({ images, paths }: Pick<ContainerParts, "images" | "paths">, record: ContainerRecord): string[] {
  const dirs = layerDirs(images, record.Berth.chainIds);
  if (dirs.length > 0) return dirs;
  const empty = join(paths.root, "empty");
  mkdirSync(empty, { recursive: true });
  return [empty];
}
