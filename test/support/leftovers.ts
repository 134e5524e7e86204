import { execFileSync } from "node:child_process";
import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { berthPaths } from "../../src/system/index.ts";
import type { NetworkNamespace } from "./network-namespace.ts";

/** Everything in the kernel that still belongs to the engine of this run directory, in the network that it was in: one line each. */
export function leftovers(run: string, inside?: NetworkNamespace): string[] {
  const { instance } = berthPaths({ BERTH_RUN: run });
  const mounts = readFileSync(`/proc/${inside?.pid ?? "self"}/mountinfo`, "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((target) => target.startsWith(`${run}/`));
  const [file = "", ...args] = [...(inside?.enter() ?? []), "nft", "list", "tables"];
  const tables = execFileSync(file, args, { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(instance));
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => commandLine(pid))
    .filter((command) => command.includes(run));
  const cgroups = cgroupRoots().flatMap((directory) => findNamed(directory, instance, 3));
  return [
    ...mounts.map((m) => `mount ${m}`),
    ...tables.map((t) => `nft ${t}`),
    ...processes.map((p) => `process ${p}`),
    ...cgroups.map((c) => `cgroup ${c}`),
  ];
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return ""; // It ended meanwhile.
  }
}

function cgroupRoots(): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(" ")[4] ?? "");
}

function findNamed(directory: string, word: string, depth: number): string[] {
  return directoriesIn(directory).flatMap((child) => {
    const path = join(directory, child.name);
    // The instance's own empty parent group may stay: it is what the next engine uses.
    if (child.name.includes(word)) return directoriesIn(path).length > 0 ? [path] : [];
    return depth > 0 ? findNamed(path, word, depth - 1) : [];
  });
}

/** Other engines' cgroups come and go meanwhile. */
function directoriesIn(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
