import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { BuildRoom, Built } from "./build-room.ts";

/** The topmost layer's own directory. */
export const topLayer = (room: BuildRoom, built: Built): string => room.images.layerDirs(built.imageId)[0] ?? "";

/** Files of the topmost layer below a path, sorted. */
export const filesOfLayer = (room: BuildRoom, built: Built, path: string): string[] =>
  execFileSync("find", [".", "-mindepth", "1", "!", "-type", "d"], { cwd: join(topLayer(room, built), path), encoding: "utf8" })
    .split("\n")
    .filter(Boolean)
    .map((name) => name.slice(2))
    .sort();
