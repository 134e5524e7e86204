import { mkdirSync } from "node:fs";
import { describeHost, type Host, messageOf, syscalls } from "../system/index.ts";

/**
 * Makes a hybrid host one on which crun works, and describes it anew. crun refuses a hybrid host whose unified hierarchy still has a
 * controller: mounted as v1, it is taken out of there. Does nothing where there is nothing to do. `warnings`: what could not be mounted.
 */
export function prepareHost(host: Host = describeHost()): { host: Host; warnings: string[] } {
  if (host.cgroupMode !== "hybrid" || host.cgroup2Controllers.length === 0 || !host.tools.crun) return { host, warnings: [] };
  const warnings: string[] = [];
  for (const controller of host.cgroup2Controllers) {
    const target = `/sys/fs/cgroup/${controller}`;
    try {
      mkdirSync(target, { recursive: true });
      syscalls().mount("cgroup", target, "cgroup", 0, controller);
    } catch (error) {
      warnings.push(`the cgroup controller ${controller} could not be mounted for crun: ${messageOf(error)}`);
    }
  }
  return { host: describeHost(), warnings };
}
