import { bindInto } from "../../runtime/index.ts";
import type { ContainerRecord } from "./container-record.ts";
import { resolveMounts } from "./mounts.ts";
import type { ContainerParts } from "./parts.ts";
import { lowerDirs } from "./root.ts";

/**
 * The container's files on this host while `work` runs: through its process where it runs. A stopped one is mounted with its volumes, and not started
 * before `work` has settled.
 */
export async function withRoot<T>(parts: ContainerParts, record: ContainerRecord, work: (path: string) => Promise<T>): Promise<T> {
  const running = () => (record.State.Running && record.State.Pid > 0 ? `/proc/${record.State.Pid}/root` : undefined);
  return whileStopped(parts, record, running, work, async (root) => bindInto(root, await resolveMounts(parts, record, root)));
}

/** The same without volumes: the container's own file system. */
export async function withOwnRoot<T>(parts: ContainerParts, record: ContainerRecord, work: (path: string) => Promise<T>): Promise<T> {
  const running = () => (record.State.Running && record.State.Pid > 0 ? parts.runtime.rootfs(record.Id) : undefined);
  return whileStopped(parts, record, running, work, async () => {});
}

async function whileStopped<T>(
  parts: ContainerParts,
  record: ContainerRecord,
  running: () => string | undefined,
  work: (path: string) => Promise<T>,
  prepare: (root: string) => Promise<void>,
): Promise<T> {
  const path = running();
  if (path) return work(path);
  const release = await parts.locks.take([record.Id]);
  try {
    const started = running();
    if (started) {
      release(record.Id);
      return await work(started);
    }
    const root = parts.runtime.mountRoot(record.Id, lowerDirs(parts, record));
    try {
      await prepare(root);
      return await work(root);
    } finally {
      await parts.runtime.cleanup(record.Id);
      parts.volumes.release(record.Id);
    }
  } finally {
    release(record.Id);
  }
}
