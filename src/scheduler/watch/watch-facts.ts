import { realpathSync } from "node:fs";
import { posix } from "node:path";
import type { Service } from "../../api/index.ts";
import type { FilesPort } from "../ports.ts";
import { findPath } from "./source-watcher.ts";
import { type ServiceRules, watchedRules } from "./watched-rule.ts";

/** The rules of one service's `develop.watch` that can be watched, and what is wrong with the others. Looks at the paths that they name. */
export function serviceRules(service: Service, files: Pick<FilesPort, "patterns" | "dockerIgnore">): ServiceRules {
  const volumes = service.volumes ?? [];
  const context = service.build?.context;
  return watchedRules({
    service: service.name,
    watch: service.develop?.watch ?? [],
    hasBuild: service.build !== undefined,
    buildContext: context?.startsWith("/") ? context : undefined,
    readOnly: service.read_only === true,
    writableTargets: [
      ...volumes.filter((volume) => !volume.read_only && volume.type !== "image").map((volume) => posix.normalize(volume.target)),
      ...(service.tmpfs ?? []).map((text) => posix.normalize(text.split(":", 1)[0] ?? "")),
    ],
    binds: volumes.flatMap(({ type, source, target }) => (type === "bind" && source ? [{ source, target }] : [])),
    find: (path) => findPath(path, realpathSync),
    patterns: (lines) => files.patterns(lines),
    dockerIgnore: service.build && context?.startsWith("/") ? files.dockerIgnore(service.build) : [],
  });
}
