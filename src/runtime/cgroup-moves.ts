import { readFileSync, writeFile } from "node:fs";
import { join } from "node:path";
import type { Host } from "../system/index.ts";

/**
 * The first move of a process between cgroups waits until every processor has been seen once (the kernel's cgroup_threadgroup_rwsem, an RCU grace period): 5 to
 * 25 ms, of a start that takes 30. Those that follow soon after do not wait. So the wait is begun when a start is near: this process is moved to the cgroup that
 * it is in, which changes nothing, on another thread, and the low-level runtime's move finds the way free.
 */
export class CgroupMoves {
  readonly #host: Host;
  #isBegun = false;

  constructor(host: Host) {
    this.#host = host;
  }

  /** A container is about to be started. Where it cannot be done the start waits, and nothing else is different. */
  expect(): void {
    if (this.#isBegun) return;
    const file = ownProcs(this.#host);
    if (!file) return;
    this.#isBegun = true;
    writeFile(file, "0", { flag: "r+" }, () => {
      this.#isBegun = false;
    });
  }
}

/** `cgroup.procs` of the cgroup that this process is in, in whichever hierarchy: the lock is the same for all (cgroups(7), /proc/[pid]/cgroup). */
export function ownProcs(
  host: Pick<Host, "cgroupV1Mounts" | "cgroup2Mount">,
  text = readFileSync("/proc/self/cgroup", "utf8"),
): string | undefined {
  for (const line of text.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const mount = controllers === "" ? host.cgroup2Mount : host.cgroupV1Mounts[controllers.split(",")[0] ?? ""];
    // One outside of what this process may see begins with "/..".
    if (mount && !path.startsWith("/..")) return join(mount, path, "cgroup.procs");
  }
  return undefined;
}
