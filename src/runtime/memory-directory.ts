import { mkdirSync, statfsSync } from "node:fs";
import { basename, join } from "node:path";
import { fileSystemMagic, mountFlag, syscalls } from "../system/index.ts";

const name = "mem";

/**
 * A directory in memory for what need not survive a reboot: the run directory where it is in memory, as /run mostly is, else a tmpfs in it. conmon calls fsync
 * on its pid files, and a container makes and removes some twenty small files: on a disk that is most of the time that a stop takes.
 */
export function memoryDirectory(run: string): string {
  mkdirSync(run, { recursive: true, mode: 0o711 });
  if (isInMemory(run)) return run;
  const directory = join(run, name);
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  try {
    if (!isInMemory(directory)) syscalls().mount("tmpfs", directory, "tmpfs", mountFlag.nosuid | mountFlag.nodev, "mode=711");
    return directory;
  } catch {
    return run; // not allowed here: slower, and all the same
  }
}

/** Unmounts it where nothing runs in it. */
export function releaseMemory(directory: string): void {
  if (basename(directory) !== name || !isInMemory(directory)) return;
  try {
    syscalls().umount(directory, 0);
  } catch {
    // Containers run: the next engine goes on with it.
  }
}

const isInMemory = (directory: string): boolean => statfsSync(directory).type === fileSystemMagic.tmpfs;
