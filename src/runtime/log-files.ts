import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** The files of a container's log, oldest first: `ctr.log.2`, `ctr.log.1`, `ctr.log`. */
export function logFiles(path: string): string[] {
  const name = basename(path);
  let names: string[];
  try {
    names = readdirSync(dirname(path));
  } catch {
    return []; // it never ran
  }
  const age = (file: string) => (file === name ? 0 : Number(file.slice(name.length + 1)));
  return names
    .filter((file) => file === name || (file.startsWith(`${name}.`) && /^\d+$/.test(file.slice(name.length + 1))))
    .sort((a, b) => age(b) - age(a))
    .map((file) => join(dirname(path), file));
}

/** Undefined where the file is gone. */
export function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}
