import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { mountFlag, syscalls, umountFlag, withLowerDirs } from "../system/index.ts";
import type { ContainerPaths } from "./container-paths.ts";
import { isOverlayMounted } from "./mounted.ts";

/** Mounts the container's root. Idempotent. `lowerDirs` top first. */
export function mountRoot(paths: ContainerPaths, id: string, lowerDirs: readonly string[]): string {
  const target = paths.rootfs(id);
  mkdirSync(target, { recursive: true });
  if (isOverlayMounted(target)) return target;
  const base = paths.directory(id);
  for (const name of ["upper", "work"]) mkdirSync(join(base, name), { recursive: true });
  withLowerDirs(lowerDirs, (lower) => {
    const options = `lowerdir=${lower},upperdir=${base}/upper,workdir=${base}/work,redirect_dir=off,metacopy=off`;
    syscalls().mount("overlay", target, "overlay", 0, options);
  });
  return target;
}

/** Mounts the tree of an image, read-only, for one mount of a container. Idempotent. `lowerDirs` top first. */
export function mountImage(paths: ContainerPaths, id: string, destination: string, lowerDirs: readonly string[]): string {
  const base = join(imageMounts(paths, id), Buffer.from(destination).toString("hex").slice(-64));
  const [tree, empty] = [join(base, "tree"), join(base, "empty")];
  for (const directory of [tree, empty]) mkdirSync(directory, { recursive: true });
  // Overlay wants two lower directories where there is no upper one.
  if (!isOverlayMounted(tree))
    withLowerDirs([...lowerDirs, empty], (lower) => syscalls().mount("overlay", tree, "overlay", mountFlag.rdonly, `lowerdir=${lower}`));
  return tree;
}

export function hasRoot(paths: ContainerPaths, id: string): boolean {
  return isOverlayMounted(paths.rootfs(id));
}

/** Takes both away again. */
export async function unmountRoot(paths: ContainerPaths, id: string): Promise<void> {
  await unmount(paths.rootfs(id));
  const directory = imageMounts(paths, id);
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) await unmount(join(directory, name, "tree"));
  rmSync(directory, { recursive: true, force: true });
}

const imageMounts = (paths: ContainerPaths, id: string): string => join(paths.bundle(id), "images");

/** On another thread: it waits for the kernel. */
async function unmount(target: string): Promise<void> {
  if (!isOverlayMounted(target)) return;
  const umount = syscalls().libcAsync("int umount2(const char *t, int flags)");
  await new Promise<void>((resolve) => umount([target, umountFlag.detach], () => resolve()));
  // Its errno is lost on the other thread: where it is still there, this says why.
  if (isOverlayMounted(target)) syscalls().umount(target, umountFlag.detach);
}
