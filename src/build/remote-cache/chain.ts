import { createHash } from "node:crypto";

/** image-spec config.md: the id of a stack of layers, the diff id itself for the lowest. */
export function chainOf(parent: string | undefined, diffId: string): string {
  return parent === undefined ? diffId : `sha256:${createHash("sha256").update(`${parent} ${diffId}`).digest("hex")}`;
}
