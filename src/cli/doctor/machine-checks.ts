import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { messageOf } from "../../system/error.ts";
import { describeHost, freeBytes, type Host } from "../../system/host.ts";
import type { BerthPaths } from "../../system/paths.ts";
import { bytes } from "../render/build-state.ts";
import type { Check } from "./check.ts";

/** What this machine has of what Berth needs. Reads /proc and /sys; spawns nothing, changes nothing. */
export function machineChecks(paths: BerthPaths, env: Readonly<Record<string, string | undefined>>): Check[] {
  const host = describeHost(env);
  return [
    root(host),
    kernel(host),
    cgroups(host),
    runtime(host),
    tool(host, "conmon", "conmon", "it keeps the output and exit codes of containers while the engine is away"),
    tool(host, "nft", "nftables", "it publishes ports and keeps networks apart"),
    tool(host, "ip", "iproute2", "it makes bridges"),
    tool(host, "tar", "tar", "it packs what is copied"),
    overlay(),
    forwarding(),
    inotify(),
    disk("disk for images", paths.root, 2e9),
    disk("disk for sockets", paths.run, 50e6),
    optionalTool(host, "mmdebstrap", "it makes a base image where no registry answers"),
    optionalTool(host, "git", "it fetches build contexts from git"),
  ];
}

function root(host: Host): Check {
  if (!host.isRoot)
    return {
      name: "root",
      state: "problem",
      found: `user ${process.geteuid?.()}`,
      todo: "Run Berth with sudo: it makes namespaces, mounts and bridges.",
    };
  const missing = ["SYS_ADMIN", "NET_ADMIN"].filter((name) => !host.boundingCapabilities.includes(name));
  if (missing.length > 0)
    return {
      name: "root",
      state: "problem",
      found: `root without CAP_${missing.join(", CAP_")}`,
      todo: "This is a container without privileges: start it with --privileged, or use a virtual machine.",
    };
  return { name: "root", state: "ok", found: "yes" };
}

function kernel(host: Host): Check {
  const [major = 0, minor = 0] = host.kernel.split(".").map((part) => Number.parseInt(part, 10));
  const isOld = major < 5 || (major === 5 && minor < 10);
  const found = `Linux ${host.kernel} ${host.architecture}`;
  return isOld
    ? { name: "kernel", state: "warning", found, todo: "Berth is used with 5.10 and newer." }
    : { name: "kernel", state: "ok", found };
}

function cgroups(host: Host): Check {
  const name = "cgroups";
  if (!host.cgroup2Mount && Object.keys(host.cgroupV1Mounts).length === 0)
    return { name, state: "problem", found: "none are mounted", todo: "Mount them: mount -t cgroup2 cgroup2 /sys/fs/cgroup" };
  if (host.cgroupMode === "v2") return { name, state: "ok", found: "v2" };
  const missing = ["memory", "cpu", "pids"].filter(
    (controller) => !host.cgroupV1Mounts[controller] && !host.cgroup2Controllers.includes(controller),
  );
  if (missing.length > 0)
    return {
      name,
      state: "warning",
      found: `${host.cgroupMode} without ${missing.join(", ")}`,
      todo: "Limits on these have no effect; mount the controllers, or boot with cgroup v2.",
    };
  return { name, state: "ok", found: host.cgroupMode };
}

function runtime(host: Host): Check {
  const name = "runtime";
  if (host.runtime) return { name, state: "ok", found: host.tools[host.runtime] ?? host.runtime };
  // The engine mounts what is left of the unified hierarchy as v1 when it starts: then crun works there.
  if (host.tools.crun) return { name, state: "ok", found: `${host.tools.crun} (the engine prepares this hybrid host for it)` };
  return { name, state: "problem", found: "neither crun nor runc", todo: `Install crun: ${install("crun")}.` };
}

function tool(host: Host, name: "conmon" | "nft" | "ip" | "tar", packageName: string, why: string): Check {
  const path = host.tools[name];
  if (path) return { name, state: "ok", found: path };
  return { name, state: "problem", found: "not on PATH", todo: `Install ${packageName} (${install(packageName)}): ${why}.` };
}

function optionalTool(host: Host, name: "mmdebstrap" | "git", why: string): Check {
  const path = host.tools[name];
  return path ? { name, state: "ok", found: path } : { name, state: "warning", found: "not on PATH", todo: `${install(name)}: ${why}.` };
}

/** The command of this machine's package manager. */
function install(name: string): string {
  const managers = [
    ["/usr/bin/apt-get", "apt-get install"],
    ["/usr/bin/dnf", "dnf install"],
    ["/sbin/apk", "apk add"],
    ["/usr/bin/pacman", "pacman -S"],
  ] as const;
  const [, command] = managers.find(([path]) => existsSync(path)) ?? ["", "install"];
  return `${command} ${name}`;
}

function overlay(): Check {
  const name = "overlayfs";
  if (/\boverlay\b/.test(read("/proc/filesystems"))) return { name, state: "ok", found: "yes" };
  const isModule = read(`/lib/modules/${read("/proc/sys/kernel/osrelease").trim()}/modules.dep`).includes("/overlay.ko");
  if (isModule) return { name, state: "ok", found: "a module, loaded when it is used" };
  return { name, state: "problem", found: "the kernel does not have it", todo: "Use a kernel with CONFIG_OVERLAY_FS." };
}

function forwarding(): Check {
  const on = read("/proc/sys/net/ipv4/ip_forward").trim() === "1";
  return { name: "ip forwarding", state: "ok", found: on ? "on" : "off; the engine switches it on" };
}

function inotify(): Check {
  const [watches, instances] = ["max_user_watches", "max_user_instances"].map((file) => Number(read(`/proc/sys/fs/inotify/${file}`)));
  const found = `${watches} watches, ${instances} instances`;
  if ((watches ?? 0) >= 65_536 && (instances ?? 0) >= 128) return { name: "inotify", state: "ok", found };
  return {
    name: "inotify",
    state: "warning",
    found,
    todo: "Large source trees need more to be watched: sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512.",
  };
}

function disk(name: string, path: string, leastBytes: number): Check {
  try {
    let there = path;
    while (!existsSync(there)) there = dirname(there);
    const free = freeBytes(there);
    const found = `${bytes(Number(free.toPrecision(3)))} free at ${path}`;
    return free >= leastBytes
      ? { name, state: "ok", found }
      : {
          name,
          state: "warning",
          found,
          todo: `Less than ${bytes(leastBytes)}: make room, or choose another place with ${name.includes("sockets") ? "BERTH_RUN" : "BERTH_ROOT"}.`,
        };
  } catch (error) {
    return { name, state: "problem", found: messageOf(error) };
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // Not there: what is asked for is not there either.
  }
}
