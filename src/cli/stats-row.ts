import { bytes } from "./render/build-state.ts";

/** What GET /containers/{id}/stats tells, as far as it is shown here. */
export interface Stats {
  readonly cpu_stats?: CpuStats;
  readonly precpu_stats?: CpuStats;
  readonly memory_stats?: { readonly usage?: number; readonly limit?: number; readonly stats?: Readonly<Record<string, number>> };
  readonly networks?: Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>>;
  readonly blkio_stats?: { readonly io_service_bytes_recursive?: readonly { readonly op: string; readonly value: number }[] | null };
  readonly pids_stats?: { readonly current?: number };
}

interface CpuStats {
  readonly cpu_usage?: { readonly total_usage?: number };
  readonly system_cpu_usage?: number;
  readonly online_cpus?: number;
}

/** A row under the names of `docker stats --format json`. */
export function statsRow(id: string, name: string, stats: Stats) {
  const { used, limit } = memory(stats);
  const network = Object.values(stats.networks ?? {});
  const sum = (of: "rx_bytes" | "tx_bytes") => network.reduce((total, one) => total + one[of], 0);
  const io = stats.blkio_stats?.io_service_bytes_recursive ?? [];
  const block = (op: string) => io.filter((one) => one.op.toLowerCase() === op).reduce((total, one) => total + one.value, 0);
  return {
    BlockIO: `${size(block("read"))} / ${size(block("write"))}`,
    CPUPerc: `${cpuPercent(stats).toFixed(2)}%`,
    Container: id,
    ID: id.slice(0, 12),
    MemPerc: `${(limit > 0 ? (used / limit) * 100 : 0).toFixed(2)}%`,
    MemUsage: `${binarySize(used)} / ${binarySize(limit)}`,
    Name: name,
    NetIO: `${size(sum("rx_bytes"))} / ${size(sum("tx_bytes"))}`,
    PIDs: String(stats.pids_stats?.current ?? 0),
  };
}

export type StatsRow = ReturnType<typeof statsRow>;

/** What the container used of all processors since the measurement before, 100 being one processor. */
function cpuPercent({ cpu_stats: now, precpu_stats: before }: Stats): number {
  const used = (now?.cpu_usage?.total_usage ?? 0) - (before?.cpu_usage?.total_usage ?? 0);
  const passed = (now?.system_cpu_usage ?? 0) - (before?.system_cpu_usage ?? 0);
  return used > 0 && passed > 0 ? (used / passed) * (now?.online_cpus ?? 1) * 100 : 0;
}

/** Without the page cache that can be given back at once (docker/cli, stats_helpers.go). */
function memory({ memory_stats: stats }: Stats): { used: number; limit: number } {
  const usage = stats?.usage ?? 0;
  const cache = stats?.stats?.["total_inactive_file"] ?? stats?.stats?.["inactive_file"] ?? 0;
  return { used: cache < usage ? usage - cache : usage, limit: stats?.limit ?? 0 };
}

/** go-units' HumanSizeWithPrecision(3). */
const size = (count: number): string => bytes(Number(count.toPrecision(3)));

/** go-units' BytesSize: binary units, four significant digits. */
function binarySize(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [value, unit] = [count, 0];
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${Number(value.toPrecision(4))}${units[unit]}`;
}
