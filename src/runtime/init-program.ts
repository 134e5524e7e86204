import { existsSync } from "node:fs";
import { BerthError } from "../system/index.ts";

/** Statically linked first: it runs in the container's root, which may have another libc or none. */
const candidates = [
  "/usr/bin/docker-init",
  "/usr/libexec/docker/docker-init",
  "/usr/bin/tini-static",
  "/sbin/tini-static",
  "/usr/bin/catatonit",
  "/usr/libexec/podman/catatonit",
  "/usr/libexec/catatonit/catatonit",
];

/** The small init of `init: true`, bound over /sbin/docker-init. @throws BerthError system/missing-tool */
export function initProgram(): string {
  const found = candidates.find((path) => existsSync(path));
  if (!found)
    throw new BerthError("system/missing-tool", "init: true needs a small statically linked init program, and none is installed", {
      hint: "Install the package catatonit, or tini.",
    });
  return found;
}
