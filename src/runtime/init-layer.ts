import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The overlay directory between an image and what a container writes: the mount points that every container needs, and `/.dockerenv`, by which programs
 * know that they are in a container. As in Docker, it keeps what the engine makes out of a container's changes and of the images made from it.
 */
export function initLayer(root: string): string {
  const directory = join(root, "init");
  if (existsSync(join(directory, ".dockerenv"))) return directory;
  for (const name of ["dev/pts", "dev/shm", "etc", "proc", "sys"]) mkdirSync(join(directory, name), { recursive: true, mode: 0o755 });
  for (const name of ["dev/console", "etc/hostname", "etc/hosts", "etc/resolv.conf"])
    writeFileSync(join(directory, name), "", { mode: 0o755 });
  if (!existsSync(join(directory, "etc/mtab"))) symlinkSync("/proc/mounts", join(directory, "etc/mtab"));
  writeFileSync(join(directory, ".dockerenv"), "", { mode: 0o755 });
  return directory;
}
