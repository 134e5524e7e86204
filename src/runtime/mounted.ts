import { readFileSync } from "node:fs";

/** Is something mounted exactly there, in this mount namespace? */
export function isMounted(target: string): boolean {
  return readFileSync("/proc/self/mountinfo", "utf8").includes(` ${target} `);
}
