import { ramBytes } from "../bytes.ts";
import { command, many } from "../command.ts";
import { forEachArgument } from "../each.ts";
import type { Flags } from "../flags.ts";
import { DockerExit } from "../usage-error.ts";
import { restartPolicy } from "./restart.ts";

export const update = command({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Update configuration of one or more containers",
  flags: `
    --blkio-weight uint16  Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)
    --cpu-period int  Limit CPU CFS (Completely Fair Scheduler) period
    --cpu-quota int  Limit CPU CFS (Completely Fair Scheduler) quota
    --cpu-rt-period int  Limit the CPU real-time period in microseconds
    --cpu-rt-runtime int  Limit the CPU real-time runtime in microseconds
    -c, --cpu-shares int  CPU shares (relative weight)
    --cpus decimal  Number of CPUs
    --cpuset-cpus string  CPUs in which to allow execution (0-3, 0,1)
    --cpuset-mems string  MEMs in which to allow execution (0-3, 0,1)
    --kernel-memory bytes  (old)
    -m, --memory bytes  Memory limit
    --memory-reservation bytes  Memory soft limit
    --memory-swap bytes  Swap limit equal to memory plus swap: -1 to enable unlimited swap
    --pids-limit int  Tune container pids limit (set -1 for unlimited)
    --restart string  Restart policy to apply when a container exits
  `,
  arity: [1, many],
  run: (call) => {
    const body = updateBody(call.flags);
    if (Object.keys(body).length === 0) throw new DockerExit(1, "you must provide one or more flags when using this command");
    return forEachArgument(call, async (name) => {
      const { Warnings } = await call.engine.json<{ Warnings: string[] | null }>("POST", `/containers/${encodeURIComponent(name)}/update`, {
        body,
      });
      for (const warning of Warnings ?? []) call.printError(warning);
      return name;
    });
  },
});

function updateBody(flags: Flags): object {
  return {
    ...resourceLimits(flags),
    ...(flags.given("restart") ? { RestartPolicy: restartPolicy(flags.text("restart")) } : {}),
  };
}

/** The limits among the flags, as `run`, `create` and `update` name them. */
export function resourceLimits(flags: Flags) {
  const numbers = {
    BlkioWeight: flags.int("blkio-weight"),
    CpuPeriod: flags.int("cpu-period"),
    CpuQuota: flags.int("cpu-quota"),
    CpuRealtimePeriod: flags.int("cpu-rt-period"),
    CpuRealtimeRuntime: flags.int("cpu-rt-runtime"),
    CpuShares: flags.int("cpu-shares"),
    NanoCpus: flags.given("cpus") ? Math.round(Number(flags.text("cpus")) * 1e9) : undefined,
    CpusetCpus: flags.text("cpuset-cpus"),
    CpusetMems: flags.text("cpuset-mems"),
    Memory: bytesOf(flags, "memory"),
    MemoryReservation: bytesOf(flags, "memory-reservation"),
    MemorySwap: flags.text("memory-swap") === "-1" ? -1 : bytesOf(flags, "memory-swap"),
    PidsLimit: flags.int("pids-limit"),
  };
  return Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== undefined));
}

export function bytesOf(flags: Flags, name: string): number | undefined {
  const text = flags.text(name);
  return text === undefined ? undefined : ramBytes(text, `--${name}`);
}
