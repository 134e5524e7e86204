import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { mountFlag, syscalls, umountFlag } from "../system/index.ts";
import type { ContainerPaths } from "./container-paths.ts";
import { isOverlayMounted } from "./mounted.ts";

/** Where a container's shared memory is on the host, if others may have it too (`ipc: shareable`). */
export const sharedMemoryPath = (paths: ContainerPaths, id: string): string => join(paths.bundle(id), "shm");

/** Mounts it. Idempotent. A private one is mounted inside, where nobody else gets at it. */
export function mountSharedMemory(paths: ContainerPaths, id: string, bytes: number): void {
  const target = sharedMemoryPath(paths, id);
  mkdirSync(target, { recursive: true });
  if (isOverlayMounted(target)) return;
  syscalls().mount("shm", target, "tmpfs", mountFlag.nosuid | mountFlag.nodev | mountFlag.noexec, `mode=1777,size=${bytes}`);
}

/** Takes it away; those who have joined keep what they have open. */
export function unmountSharedMemory(paths: ContainerPaths, id: string): void {
  const target = sharedMemoryPath(paths, id);
  if (!existsSync(target)) return;
  if (isOverlayMounted(target)) syscalls().umount(target, umountFlag.detach);
  rmSync(target, { recursive: true, force: true });
}
