import { closeSync, constants, openSync } from "node:fs";

/** mount(2) takes one page of options: what is longer is cut off by the kernel or refused. */
const optionLimit = 3_500;
const openPath = 0o10000000; // O_PATH, which Node does not name

/**
 * Calls `mount` with the text for overlay's `lowerdir=` (top first). Where the paths are too long for one page of mount options (an image
 * of some hundred layers), they are opened and named by their descriptors, which are closed when `mount` is back.
 */
export function withLowerDirs<T>(directories: readonly string[], mount: (lowerdir: string) => T): T {
  const plain = directories.join(":");
  if (plain.length <= optionLimit) return mount(plain);
  const descriptors: number[] = [];
  try {
    for (const directory of directories) descriptors.push(openSync(directory, openPath | constants.O_DIRECTORY));
    return mount(descriptors.map((fd) => `/proc/self/fd/${fd}`).join(":"));
  } finally {
    for (const fd of descriptors) closeSync(fd);
  }
}
