import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** Is something mounted exactly there, in this mount namespace? */
export function isMounted(target: string): boolean {
  return readFileSync("/proc/self/mountinfo", "utf8").includes(` ${target} `);
}

/** The same for an overlay, which always is a file system of its own: one stat, however many mounts there are. */
export function isOverlayMounted(target: string): boolean {
  const found = statSync(target, { throwIfNoEntry: false });
  return found !== undefined && found.dev !== statSync(dirname(target)).dev;
}
