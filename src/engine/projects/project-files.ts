import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { BuildDefinition } from "../../api/index.ts";
import { ignoreMatcher } from "../../build/index.ts";
import { type Runtime, syncFiles } from "../../runtime/index.ts";
import type { FilesPort } from "../../scheduler/index.ts";
import { BerthError } from "../../system/index.ts";
import type { Containers } from "../containers/containers.ts";

/** Files of watched projects and of their containers, for the scheduler. */
export function projectFiles({ containers, runtime }: { containers: Containers; runtime: Runtime }): FilesPort {
  return {
    sync: async (id, sync) => {
      const pid = containers.find(id) && runtime.pidOf(id);
      if (!pid) throw new BerthError("container/not-running", "the container is not running any more");
      return syncFiles({ ...sync, pid, rootfs: runtime.rootfs(id) });
    },
    patterns: (lines) => ignoreMatcher(lines.join("\n")),
    dockerIgnore,
  };
}

/** `<Dockerfile>.dockerignore` before `.dockerignore`, as for the build itself. */
function dockerIgnore({ context, dockerfile = "Dockerfile" }: BuildDefinition): string[] {
  const file = [`${resolve(context, dockerfile)}.dockerignore`, join(context, ".dockerignore")].find((path) => existsSync(path));
  return file ? readFileSync(file, "utf8").split("\n") : [];
}
