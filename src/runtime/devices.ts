import { lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { HostConfig } from "../api/index.ts";
import { BerthError, errnoOf, messageOf } from "../system/index.ts";
import { deviceNumber } from "./block-devices.ts";

export interface DeviceNode {
  readonly path: string;
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
  readonly access: string;
}

/**
 * The device nodes a container gets beside the ones that every container has: those of `devices`, or all of the host when it is privileged.
 * @throws BerthError runtime/bad-option for a path that is no device
 */
export function hostDevices(hostConfig: HostConfig): DeviceNode[] {
  if (hostConfig.Privileged) return walk("/dev").map((path) => node(path, path, "rwm"));
  return (hostConfig.Devices ?? []).flatMap(({ PathOnHost, PathInContainer, CgroupPermissions }) => {
    try {
      if (statSync(PathOnHost).isDirectory())
        return walk(PathOnHost).map((path) => node(path, join(PathInContainer, path.slice(PathOnHost.length)), CgroupPermissions || "rwm"));
      return [node(PathOnHost, join("/", PathInContainer || PathOnHost), CgroupPermissions || "rwm")];
    } catch (error) {
      throw error instanceof BerthError
        ? error
        : new BerthError(
            "runtime/bad-option",
            `error gathering device information while adding custom device "${PathOnHost}": ${errnoOf(error) === "ENOENT" ? "no such file or directory" : messageOf(error)}`,
          );
    }
  });
}

/** Device nodes below a directory; what the container has of its own (pts, shm, console, ...) is left out. */
function walk(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return ["pts", "shm", "fd", "mqueue", ".lxc"].includes(entry.name) ? [] : walk(path);
    const own = ["console", "null", "zero", "full", "random", "urandom", "tty", "ptmx"].includes(entry.name) && directory === "/dev";
    return !own && (entry.isCharacterDevice() || entry.isBlockDevice()) ? [path] : [];
  });
}

function node(source: string, path: string, access: string): DeviceNode {
  const stat = lstatSync(source).isSymbolicLink() ? statSync(source) : lstatSync(source);
  if (!stat.isCharacterDevice() && !stat.isBlockDevice())
    throw new BerthError(
      "runtime/bad-option",
      `error gathering device information while adding custom device "${source}": not a device node`,
    );
  const { major, minor } = deviceNumber(stat.rdev);
  return { path, type: stat.isBlockDevice() ? "b" : "c", major, minor, fileMode: stat.mode & 0o777, uid: stat.uid, gid: stat.gid, access };
}
