import { mkdirSync } from "node:fs";
import { type Host, messageOf, syscalls } from "../system/index.ts";

/**
 * Makes the machine fit for crun, which refuses a hybrid host whose unified hierarchy still has a controller: mounted as v1, it is taken out of there.
 * Answers what could not be done, one sentence each.
 */
export function prepareCgroups(host: Host): string[] {
  if (host.cgroupMode !== "hybrid" || !host.tools.crun) return [];
  return host.cgroup2Controllers.flatMap((controller) => {
    const target = `/sys/fs/cgroup/${controller}`;
    try {
      mkdirSync(target, { recursive: true });
      syscalls().mount("cgroup", target, "cgroup", 0, controller);
      return [];
    } catch (error) {
      return [`the cgroup controller ${controller} could not be mounted for crun: ${messageOf(error)}`];
    }
  });
}
