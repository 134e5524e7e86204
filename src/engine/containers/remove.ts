import { BerthError } from "../../system/index.ts";
import type { ContainerRecord } from "../container-record.ts";
import type { ContainerParts } from "./parts.ts";
import { stopContainer } from "./stop.ts";

/**
 * Removes a container with everything that is its own; with `volumes` also its anonymous volumes that nobody else uses. A second removal at the same time waits
 * for the first. @throws BerthError container/running without force
 */
export async function removeContainer(
  parts: ContainerParts,
  record: ContainerRecord,
  o: { force: boolean; volumes: boolean },
): Promise<void> {
  if (record.State.Running || record.State.Restarting) {
    if (!o.force)
      throw new BerthError(
        "container/running",
        `cannot remove container "${record.Name.slice(1)}": container is running: stop the container before removing or force remove`,
      );
    record.HostConfig.AutoRemove = false;
    await stopContainer(parts, record, { graceS: 0, signal: "SIGKILL", isRemoval: true });
  }
  const { runtime, networks, volumes, book, locks, waits } = parts;
  await locks.with(record.Id, async () => {
    if (!book.byId(record.Id)) return;
    await runtime.remove(record.Id);
    networks.release(record.Id);
    book.delete(record.Id);
    if (o.volumes)
      for (const mount of record.Mounts) {
        const volume = mount.Type === "volume" && mount.Name ? volumes.find(mount.Name) : undefined;
        if (volume?.Labels["com.docker.volume.anonymous"] !== undefined && volumeUsers(book.list(), volume.Name).length === 0)
          await volumes.remove(volume.Name);
      }
    book.emit(record, "destroy");
    waits.tellRemoval(record.Id, record.State.ExitCode);
  });
}

export function volumeUsers(all: readonly ContainerRecord[], volume: string): ContainerRecord[] {
  return all.filter((record) => record.Mounts.some((mount) => mount.Type === "volume" && mount.Name === volume));
}
