import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { mountFlag, syscalls } from "../system/index.ts";
import { resolveInside } from "./inside.ts";
import type { ResolvedMount } from "./oci-input.ts";

/**
 * Binds a stopped container's volumes and directories into its mounted root, for whoever looks at its files. They go with a lazy unmount of the root.
 * Nobody else may be in that root meanwhile. Private, so that no unmount in here reaches what was bound.
 */
export function bindInto(root: string, mounts: readonly ResolvedMount[]): void {
  for (const mount of mounts.filter(({ type }) => type !== "tmpfs")) {
    const target = resolveInside(root, mount.destination);
    if (!existsSync(target)) {
      mkdirSync(dirname(target), { recursive: true });
      if (statSync(mount.source).isDirectory()) mkdirSync(target);
      else writeFileSync(target, "");
    }
    syscalls().mount(mount.source, target, "", mountFlag.bind | mountFlag.rec, "");
    syscalls().mount("", target, "", mountFlag.rec | mountFlag.private, "");
  }
}
