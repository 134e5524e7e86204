import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import type { ContainerStats, CpuStats, MemoryStats, NetworkStats } from "../api/index.ts";
import type { Host } from "../system/index.ts";
import { readCgroup } from "./cgroup.ts";
import { blkioStats, noBlkioStats } from "./stats-blkio.ts";

export const neverRead = "0001-01-01T00:00:00Z";
/** USER_HZ: what the kernel counts ticks in for programs (sysconf(_SC_CLK_TCK)), 100 on every architecture that Node runs on. */
const nsPerTick = 1e7;

type Sample = Omit<ContainerStats, "name" | "id" | "preread" | "precpu_stats">;

/** What a container uses at this moment, in the API's shape; read from its control group and its network namespace, without a process. */
export function sampleStats(host: Host, o: { cgroupsPath: string; pid: number; ownNetwork: boolean }): Sample {
  const read = (controller: string, file: string) => readCgroup(host, o.cgroupsPath, controller, file);
  const isV1 = (controller: string) => host.cgroupV1Mounts[controller] !== undefined;
  const current = number(read("pids", "pids.current"));
  const limit = number(read("pids", "pids.max"));
  return {
    read: new Date().toISOString(),
    pids_stats: current === undefined ? {} : { current, ...(limit === undefined ? {} : { limit }) },
    blkio_stats: blkioStats(read("blkio", isV1("blkio") ? "blkio.throttle.io_service_bytes_recursive" : "io.stat"), isV1("blkio")),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpuStats(read, isV1("cpuacct")),
    memory_stats: memoryStats(read, isV1("memory")),
    ...(o.ownNetwork ? { networks: networkStats(o.pid) } : {}),
  };
}

/** The same for a container that does not run: nothing is used. */
export function noStats(): Sample {
  return {
    read: neverRead,
    pids_stats: {},
    blkio_stats: noBlkioStats,
    num_procs: 0,
    storage_stats: {},
    cpu_stats: noCpuStats,
    memory_stats: {},
  };
}

export const noCpuStats: CpuStats = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

type Read = (controller: string, file: string) => string;

function cpuStats(read: Read, isV1: boolean): CpuStats {
  const stat = flat(read("cpu", "cpu.stat"));
  const machine = { system_cpu_usage: machineCpuNs(), online_cpus: availableParallelism() };
  const throttling_data = {
    periods: stat["nr_periods"] ?? 0,
    throttled_periods: stat["nr_throttled"] ?? 0,
    throttled_time: stat["throttled_time"] ?? (stat["throttled_usec"] ?? 0) * 1000,
  };
  if (!isV1) {
    const usage = (name: string) => (stat[name] ?? 0) * 1000;
    const cpu_usage = {
      total_usage: usage("usage_usec"),
      usage_in_kernelmode: usage("system_usec"),
      usage_in_usermode: usage("user_usec"),
    };
    return { cpu_usage, ...machine, throttling_data };
  }
  const ticks = flat(read("cpuacct", "cpuacct.stat"));
  return {
    cpu_usage: {
      total_usage: number(read("cpuacct", "cpuacct.usage")) ?? 0,
      percpu_usage: read("cpuacct", "cpuacct.usage_percpu").trim().split(/\s+/).filter(Boolean).map(Number),
      usage_in_kernelmode: (ticks["system"] ?? 0) * nsPerTick,
      usage_in_usermode: (ticks["user"] ?? 0) * nsPerTick,
    },
    ...machine,
    throttling_data,
  };
}

function memoryStats(read: Read, isV1: boolean): MemoryStats {
  const stats = flat(read("memory", "memory.stat"));
  const limitText = read("memory", isV1 ? "memory.limit_in_bytes" : "memory.max");
  // Without a limit the machine's memory is the limit; v1 writes an enormous number for none.
  const limit = Math.min(number(limitText) ?? totalmem(), totalmem());
  const usage = number(read("memory", isV1 ? "memory.usage_in_bytes" : "memory.current")) ?? 0;
  if (!isV1) return { usage, stats, limit };
  const max_usage = number(read("memory", "memory.max_usage_in_bytes")) ?? 0;
  return { usage, max_usage, stats, failcnt: number(read("memory", "memory.failcnt")) ?? 0, limit };
}

/** proc_pid_net(5), dev: every interface of the namespace but the loopback. */
function networkStats(pid: number): Record<string, NetworkStats> {
  let text = "";
  try {
    text = readFileSync(`/proc/${pid}/net/dev`, "utf8");
  } catch {
    return {}; // it has ended
  }
  const found: Record<string, NetworkStats> = {};
  for (const line of text.split("\n").slice(2)) {
    const [name = "", numbers = ""] = line.split(":");
    const value = numbers.trim().split(/\s+/).map(Number);
    if (!numbers || name.trim() === "lo") continue;
    const at = (index: number) => value[index] ?? 0;
    found[name.trim()] = {
      rx_bytes: at(0),
      rx_packets: at(1),
      rx_errors: at(2),
      rx_dropped: at(3),
      tx_bytes: at(8),
      tx_packets: at(9),
      tx_errors: at(10),
      tx_dropped: at(11),
    };
  }
  return found;
}

/** Nanoseconds that all processors of this machine have spent, idle included (proc_stat(5), first line, its first eight fields). */
function machineCpuNs(): number {
  const [, ...fields] = (readFileSync("/proc/stat", "utf8").split("\n", 1)[0] ?? "").trim().split(/\s+/);
  return fields.slice(0, 8).reduce((sum, ticks) => sum + Number(ticks), 0) * nsPerTick;
}

function flat(text: string): Record<string, number> {
  return Object.fromEntries(
    text.split("\n").flatMap((line) => {
      const [key, value] = line.split(" ");
      return key && value ? [[key, Number(value)]] : [];
    }),
  );
}

function number(text: string): number | undefined {
  const value = text.trim();
  return /^\d+$/.test(value) ? Number(value) : undefined;
}
