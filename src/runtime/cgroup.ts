import { readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, type Host } from "../system/index.ts";

/** The directories that one container has in the cgroup hierarchies: one on v2, one per v1 controller elsewhere. */
function cgroupDirectories(host: Host, path: string): string[] {
  const roots = [
    ...new Set([
      ...Object.values(host.cgroupV1Mounts),
      ...(host.cgroup2Mount ? [host.cgroup2Mount] : []),
      "/sys/fs/cgroup/systemd",
      "/sys/fs/cgroup/hugetlb",
    ]),
  ];
  return roots.map((root) => join(root, path));
}

/**
 * Removes what the low-level runtime left of a container's cgroup, children first. A group that still has a dying process is tried again for a moment; false: it
 * stays. One that is not there is fine.
 */
export async function removeCgroups(host: Host, path: string): Promise<boolean> {
  let left = cgroupDirectories(host, path);
  for (let pauseMs = 1; pauseMs <= 64; pauseMs *= 2) {
    left = left.filter((directory) => !removeTree(directory));
    if (left.length === 0) return true;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return false;
}

function removeTree(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return true;
    // No cgroup hierarchy answers so: it is a plain directory where one was mounted once, and what the low-level runtime wrote there are plain files.
    if (errnoOf(error) === "ENOTEMPTY") rmSync(directory, { recursive: true, force: true });
  }
  let children: string[];
  try {
    children = readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [join(directory, entry.name)] : [],
    );
  } catch {
    return true; // gone in between
  }
  if (children.map(removeTree).includes(false)) return false;
  try {
    rmdirSync(directory);
    return true;
  } catch {
    return false;
  }
}

/** Removes the group that all containers of an engine are in, where none is left. */
export function removeParentGroup(host: Host, path: string): void {
  for (const directory of cgroupDirectories(host, path)) {
    try {
      rmdirSync(directory);
    } catch {
      // not there, or containers run
    }
  }
}

/** Ends every process of a group. */
export function killCgroup(host: Host, path: string): void {
  for (const pid of cgroupPids(host, path)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it ended by itself
    }
  }
}

/** How often the kernel killed something in this group for want of memory. */
export function oomKills(host: Host, path: string): number {
  const v1 = host.cgroupV1Mounts["memory"];
  const text = read(v1 ? join(v1, path, "memory.oom_control") : join(host.cgroup2Mount ?? "/sys/fs/cgroup", path, "memory.events"));
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Every process of a container's group and the groups below it. */
export function cgroupPids(host: Host, path: string): number[] {
  return [...new Set(pidsBelow(cgroupDirectory(host, path)))];
}

/** Where the kernel counts a group's processes. */
export function cgroupDirectory(host: Host, path: string): string {
  return join(host.cgroupV1Mounts["pids"] ?? host.cgroup2Mount ?? "/sys/fs/cgroup", path);
}

function pidsBelow(directory: string): number[] {
  let entries: { name: string; isDirectory(): boolean }[];
  try {
    entries = readdirSync(directory, { withFileTypes: true });
  } catch {
    return []; // it has ended
  }
  const own = read(join(directory, "cgroup.procs")).split("\n").filter(Boolean).map(Number);
  return [...own, ...entries.filter((entry) => entry.isDirectory()).flatMap((entry) => pidsBelow(join(directory, entry.name)))];
}

/** Text of one cgroup file of a container ("memory.current" or its v1 name), empty where it is not there. */
export function readCgroup(host: Host, path: string, controller: string, file: string): string {
  const root = host.cgroupV1Mounts[controller] ?? host.cgroup2Mount ?? "/sys/fs/cgroup";
  return read(join(root, path, file));
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
