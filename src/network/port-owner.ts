import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** The process that listens on a port of this host: "pid 4127 (nginx)". Undefined where none is found (it may be in another namespace). Reads /proc. */
export function portOwner(protocol: "tcp" | "udp", port: number): string | undefined {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const inodes = new Set(
    [protocol, `${protocol}6`].flatMap((table) =>
      read(`/proc/self/net/${table}`)
        .split("\n")
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        // State 0A is LISTEN; an unconnected UDP socket is 07 (proc_net_tcp.txt).
        .filter((fields) => fields[1]?.endsWith(`:${hex}`) && (protocol === "tcp" ? fields[3] === "0A" : true))
        .map((fields) => fields[9] ?? ""),
    ),
  );
  if (inodes.size === 0) return undefined;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    for (const fd of list(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode && inodes.has(inode)) return `pid ${pid} (${read(`/proc/${pid}/comm`).trim()})`;
    }
  }
  return undefined;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
