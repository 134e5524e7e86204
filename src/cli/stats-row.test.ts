import { expect, test } from "vitest";
import { statsRow } from "./stats-row.ts";

test("what docker stats says of the same numbers", () => {
  const row = statsRow("a".repeat(64), "shop-web-1", {
    cpu_stats: { cpu_usage: { total_usage: 300 }, system_cpu_usage: 2000, online_cpus: 2 },
    precpu_stats: { cpu_usage: { total_usage: 200 }, system_cpu_usage: 1000 },
    memory_stats: { usage: 3 * 1024 * 1024, limit: 512 * 1024 * 1024, stats: { inactive_file: 1024 * 1024 } },
    networks: { eth0: { rx_bytes: 1500, tx_bytes: 1 }, eth1: { rx_bytes: 500, tx_bytes: 1 } },
    blkio_stats: {
      io_service_bytes_recursive: [
        { op: "Read", value: 1_234_567 },
        { op: "write", value: 0 },
      ],
    },
    pids_stats: { current: 3 },
  });
  expect(row).toMatchObject({
    CPUPerc: "20.00%",
    MemUsage: "2MiB / 512MiB",
    MemPerc: "0.39%",
    NetIO: "2kB / 2B",
    BlockIO: "1.23MB / 0B",
    PIDs: "3",
    ID: "aaaaaaaaaaaa",
  });
});

test("a container that does not run uses nothing", () => {
  expect(statsRow("b", "x", {})).toMatchObject({ CPUPerc: "0.00%", MemUsage: "0B / 0B", MemPerc: "0.00%", PIDs: "0" });
});
