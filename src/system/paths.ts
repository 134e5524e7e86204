import { createHash } from "node:crypto";
import { resolve } from "node:path";

export interface BerthPaths {
  /** What must survive a reboot: images, volumes, records. BERTH_ROOT, default /var/lib/berth. */
  readonly root: string;
  /** What must not: sockets, mounts, pid files. BERTH_RUN, default /run/berth. */
  readonly run: string;
  /** `<run>/engine.sock`: a valid DOCKER_HOST. */
  readonly socket: string;
  /** Eight hex digits of the run directory: the prefix of everything this engine makes in the kernel (cgroups, tables, links). */
  readonly instance: string;
}

/** The directories of the engine that this environment means. Two engines with different directories share nothing. */
export function berthPaths(env: Readonly<Record<string, string | undefined>>): BerthPaths {
  const root = resolve(env["BERTH_ROOT"] || "/var/lib/berth");
  const run = resolve(env["BERTH_RUN"] || "/run/berth");
  return {
    root,
    run,
    socket: `${run}/engine.sock`,
    get instance() {
      return createHash("sha256").update(run).digest("hex").slice(0, 8);
    },
  };
}
