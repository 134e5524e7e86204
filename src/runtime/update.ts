import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HostConfig } from "../api/index.ts";
import { run } from "../system/index.ts";
import type { Runtime } from "./runtime.ts";

/** Gives a running container other limits: the low-level runtime writes them to its control group. Spawns one process. */
export async function updateResources(runtime: Runtime, id: string, hc: HostConfig): Promise<void> {
  // A file: the runtime opens standard input by name, and what Node passes as such is a socket.
  const file = join(runtime.bundle(id), "resources.json");
  writeFileSync(file, JSON.stringify(linuxResources(runtime.hasBlkioWeight() ? hc : { ...hc, BlkioWeight: 0 })));
  await run(runtime.program, ["--root", runtime.stateDir, "update", "--resources", file, id]);
  // crun writes the number as it is, and the kernel's word for none is "max".
  if (hc.PidsLimit !== undefined && hc.PidsLimit !== null && hc.PidsLimit <= 0) runtime.liftPidsLimit(id);
}

/** runtime-spec config-linux.md, the limits that can change while a container runs. */
function linuxResources(hc: HostConfig): Record<string, unknown> {
  const memory = hc.Memory || undefined;
  const swap = hc.MemorySwap ? hc.MemorySwap : memory ? memory * 2 : undefined;
  const period = hc.NanoCpus ? 100_000 : hc.CpuPeriod || undefined;
  const quota = hc.NanoCpus ? Math.round(hc.NanoCpus / 10_000) : hc.CpuQuota || undefined;
  return {
    memory: { limit: memory, swap, reservation: hc.MemoryReservation || undefined },
    cpu: { shares: hc.CpuShares || undefined, quota, period, cpus: hc.CpusetCpus || undefined, mems: hc.CpusetMems || undefined },
    ...((hc.PidsLimit ?? 0) > 0 ? { pids: { limit: hc.PidsLimit } } : {}),
    ...(hc.BlkioWeight ? { blockIO: { weight: hc.BlkioWeight } } : {}),
  };
}
