import { existsSync } from "node:fs";
import type { Service } from "../api/index.ts";
import { BerthError } from "../system/index.ts";

/**
 * What is mounted from this machine and must not be made has to be there before anything is done (compose-spec 05-services.md, volumes,
 * bind.create_host_path).
 * @throws BerthError runtime/bind-source-missing
 */
export function checkBindSources(services: readonly Service[]): void {
  for (const service of services) {
    for (const { type, source, target, bind } of service.volumes ?? []) {
      if (type !== "bind" || !bind || bind.create_host_path || !source || existsSync(source)) continue;
      throw new BerthError("runtime/bind-source-missing", `bind ${source} on ${target}: no such file or directory`, {
        place: { kind: "service", name: service.name },
        hint: "Create it, or set bind.create_host_path: true (the mount's short form does).",
      });
    }
  }
}
