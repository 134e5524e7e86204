import { BerthError } from "../../system/index.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { ContainerParts } from "./parts.ts";
import { stopContainer } from "./stop.ts";

/**
 * Removes a container with everything that is its own; with `volumes` also its anonymous volumes that nobody else uses. A second removal at the same time waits
 * for the first. `ref` is how the caller named it. @throws BerthError container/running without force
 */
export async function removeContainer(
  parts: ContainerParts,
  record: ContainerRecord,
  o: { ref: string; force: boolean; volumes: boolean },
): Promise<void> {
  // A start may begin between the look and the lock: then it is looked at again.
  while (!(await removeStopped(parts, record, o.volumes))) {
    await parts.locks.quiet(record.Id);
    if (!record.State.Running && !record.State.Restarting) continue;
    if (!o.force)
      throw new BerthError(
        "container/running",
        `cannot remove container "${o.ref}": container is ${record.State.Paused ? "paused and must be unpaused first" : "running: stop the container before removing or force remove"}`,
      );
    record.HostConfig.AutoRemove = false;
    await stopContainer(parts, record, { graceS: 0, signal: "SIGKILL", isRemoval: true });
  }
}

/** False where it runs. */
async function removeStopped(parts: ContainerParts, record: ContainerRecord, withVolumes: boolean): Promise<boolean> {
  const { runtime, networks, volumes, book, locks, waits } = parts;
  return locks.with(record.Id, async () => {
    if (!book.byId(record.Id)) return true;
    if (record.State.Running || record.State.Restarting) return false;
    await runtime.remove(record.Id);
    networks.release(record.Id);
    book.delete(record.Id);
    if (withVolumes)
      for (const mount of record.Mounts) {
        const volume = mount.Type === "volume" && mount.Name ? volumes.find(mount.Name) : undefined;
        if (volume?.Labels["com.docker.volume.anonymous"] !== undefined && volumeUsers(book.list(), volume.Name).length === 0)
          await volumes.remove(volume.Name);
      }
    book.emit(record, "destroy");
    waits.tellRemoval(record.Id, record.State.ExitCode);
    return true;
  });
}

export function volumeUsers(all: readonly ContainerRecord[], volume: string): ContainerRecord[] {
  return all.filter((record) => record.Mounts.some((mount) => mount.Type === "volume" && mount.Name === volume));
}
