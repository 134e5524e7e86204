import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { HostConfig } from "../api/index.ts";
import type { Host } from "../system/index.ts";

/** What this machine lets a container have, as far as machines differ. */
export interface HostLimits {
  /** May limits be raised (CAP_SYS_RESOURCE)? */
  readonly canRaise: boolean;
  readonly oomScoreAdj: number;
  /** Hard limits of the engine by Docker's names ("nofile"); one that is missing is unlimited. */
  readonly hard: Readonly<Record<string, number>>;
  readonly blkioWeight: boolean;
  readonly swapLimit: boolean;
  readonly oomKillDisable: boolean;
}

/** The names that /proc/PID/limits has for them. */
const limitNames: Readonly<Record<string, string>> = {
  core: "Max core file size",
  cpu: "Max cpu time",
  data: "Max data size",
  fsize: "Max file size",
  locks: "Max file locks",
  memlock: "Max locked memory",
  msgqueue: "Max msgqueue size",
  nice: "Max nice priority",
  nofile: "Max open files",
  nproc: "Max processes",
  rss: "Max resident set",
  rtprio: "Max realtime priority",
  rttime: "Max realtime timeout",
  sigpending: "Max pending signals",
  stack: "Max stack size",
};

export function readHostLimits(host: Host): HostLimits {
  const group = (controller: string) => host.cgroupV1Mounts[controller] ?? host.cgroup2Mount ?? "/sys/fs/cgroup";
  const v2 = host.cgroupMode === "v2";
  return {
    canRaise: host.boundingCapabilities.includes("SYS_RESOURCE"),
    oomScoreAdj: Number(readFileSync("/proc/self/oom_score_adj", "utf8")),
    hard: parseHardLimits(readFileSync("/proc/self/limits", "utf8")),
    // io.weight is in every group but the root.
    blkioWeight: v2
      ? readFileSync(join(group("io"), "cgroup.controllers"), "utf8")
          .split(/\s+/)
          .includes("io")
      : ["blkio.weight", "blkio.bfq.weight"].some((file) => existsSync(join(group("blkio"), file))),
    swapLimit: v2 || existsSync(join(group("memory"), "memory.memsw.limit_in_bytes")),
    oomKillDisable: !v2,
  };
}

export function parseHardLimits(text: string): Record<string, number> {
  const found = Object.entries(limitNames).flatMap(([name, title]) => {
    const value = text
      .split("\n")
      .find((line) => line.startsWith(title))
      ?.slice(title.length)
      .trim()
      .split(/\s+/)[1];
    return value === undefined || value === "unlimited" ? [] : [[name, Number(value)] as const];
  });
  return Object.fromEntries(found);
}

/**
 * What of a container's wishes this machine can grant: the configuration with the rest taken out or lowered, and a sentence on each of those. Pure. Docker starts
 * such containers too, with warnings, but for limits that cannot be raised, where it fails.
 */
export function fitToHost(hc: HostConfig, limits: HostLimits): { hostConfig: HostConfig; warnings: string[] } {
  const warnings: string[] = [];
  const fitted: HostConfig = { ...hc };
  if (hc.Ulimits && !limits.canRaise)
    fitted.Ulimits = hc.Ulimits.map(({ Name, Soft = 0, Hard = 0 }) => {
      const ulimit = { Name, Soft, Hard };
      const most = limits.hard[ulimit.Name] ?? Number.POSITIVE_INFINITY;
      const wanted = ulimit.Hard < 0 ? Number.POSITIVE_INFINITY : ulimit.Hard;
      if (wanted <= most) return ulimit;
      warnings.push(`The limit ${ulimit.Name}=${ulimit.Hard} is more than this engine may give; it is ${most}.`);
      return { Name: ulimit.Name, Soft: ulimit.Soft < 0 ? most : Math.min(ulimit.Soft, most), Hard: most };
    });
  if (hc.OomScoreAdj && hc.OomScoreAdj < limits.oomScoreAdj && !limits.canRaise) {
    warnings.push(`oom_score_adj=${hc.OomScoreAdj} needs CAP_SYS_RESOURCE, which this engine does not have; it is ${limits.oomScoreAdj}.`);
    fitted.OomScoreAdj = limits.oomScoreAdj;
  }
  if ((hc.BlkioWeight || hc.BlkioWeightDevice?.length) && !limits.blkioWeight) {
    warnings.push("Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.");
    fitted.BlkioWeight = 0;
    fitted.BlkioWeightDevice = [];
  }
  if (hc.Memory && !limits.swapLimit) {
    if (hc.MemorySwap !== -1)
      warnings.push("Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.");
    fitted.MemorySwap = -1;
  }
  if (hc.OomKillDisable && !limits.oomKillDisable) {
    warnings.push("Your kernel does not support OomKillDisable. OomKillDisable discarded.");
    fitted.OomKillDisable = false;
  }
  return { hostConfig: fitted, warnings };
}
