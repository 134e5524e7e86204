import type { OciInput } from "./oci-input.ts";

/** runtime-spec config.md, mounts: what every container has (Docker's list and options), what was asked, then the files of /etc. */
export function ociMounts(input: OciInput) {
  const { container, etc } = input;
  const hc = container.HostConfig;
  const privileged = hc.Privileged === true;
  const sysOptions = ["nosuid", "noexec", "nodev", privileged ? "rw" : "ro"];
  const list: { destination: string; type: string; source: string; options: string[] }[] = [
    { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
    { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755", "size=65536k"] },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: sysOptions },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: [...sysOptions, "relatime"] },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
  ];
  if (input.sharedMemory) list.push({ destination: "/dev/shm", type: "bind", source: input.sharedMemory, options: ["rbind", "rprivate"] });
  else if (hc.IpcMode !== "none")
    list.push({
      destination: "/dev/shm",
      type: "tmpfs",
      source: "shm",
      options: ["nosuid", "noexec", "nodev", "mode=1777", `size=${hc.ShmSize || 67108864}`],
    });
  if (input.init) list.push({ destination: "/sbin/docker-init", type: "bind", source: input.init, options: ["bind", "ro", "rprivate"] });
  const asked = input.mounts.map((mount) => ({
    destination: mount.destination,
    type: mount.type === "tmpfs" ? "tmpfs" : "bind",
    source: mount.source,
    options: [...mount.options],
  }));
  const targets = new Set(asked.map((mount) => mount.destination));
  const files = (["hosts", "resolv.conf", "hostname"] as const)
    .filter((name) => !targets.has(`/etc/${name}`))
    .map((name) => ({
      destination: `/etc/${name}`,
      type: "bind",
      source: etc[name],
      options: ["bind", "rprivate", hc.ReadonlyRootfs ? "ro" : "rw"],
    }));
  // The files last: a mount over /etc is not to hide them.
  return [...list.filter((mount) => !targets.has(mount.destination)), ...asked, ...files];
}
