import type { BlkioEntry, BlkioStats } from "../api/index.ts";

export const noBlkioStats: BlkioStats = {
  io_service_bytes_recursive: null,
  io_serviced_recursive: null,
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
};

/** Bytes that went to and came from block devices: v1 `8:0 Read 4096`, v2 `8:0 rbytes=4096 wbytes=0 ...`. */
export function blkioStats(text: string, isV1: boolean): BlkioStats {
  const list = text.split("\n").flatMap((line) => (isV1 ? v1Entry(line) : v2Entries(line)));
  return { ...noBlkioStats, io_service_bytes_recursive: list.length > 0 ? list : null };
}

function v1Entry(line: string): BlkioEntry[] {
  const match = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line);
  if (!match) return [];
  const [, major, minor, op = "", value] = match;
  return [{ major: Number(major), minor: Number(minor), op: op.toLowerCase(), value: Number(value) }];
}

function v2Entries(line: string): BlkioEntry[] {
  const match = /^(\d+):(\d+) (.*)$/.exec(line);
  if (!match) return [];
  const [, major, minor, rest = ""] = match;
  return [...rest.matchAll(/\b([rw])bytes=(\d+)/g)].map(([, letter, value]) => ({
    major: Number(major),
    minor: Number(minor),
    op: letter === "r" ? "read" : "write",
    value: Number(value),
  }));
}
