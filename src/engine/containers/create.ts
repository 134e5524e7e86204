import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import type { ContainerCreateBody, MountSpec } from "../../api/index.ts";
import type { Volumes } from "../../runtime/index.ts";
import { BerthError } from "../../system/index.ts";
import { buildRecord, type ContainerRecord } from "../container-record.ts";
import { checkMounts, takeVolumesFrom } from "./mounts.ts";
import { checkName, freeName } from "./names.ts";
import type { ContainerParts } from "./parts.ts";

/**
 * Stores a new container; nothing runs yet. Everything that can be refused is refused here, and then nothing is left of it.
 * @throws BerthError container/bad-config, container/name-taken, image/not-found, network/not-found, ...
 */
export function createContainer(
  { runtime, networks, images, volumes, book }: ContainerParts,
  name: string | undefined,
  body: ContainerCreateBody,
): ContainerRecord {
  const id = randomBytes(32).toString("hex");
  const chosen = name?.replace(/^\//, "") || freeName(book.list());
  checkName(chosen, book.list());
  if (!body.Image) throw new BerthError("container/bad-config", "Config cannot be empty in order to create a container");
  const image = images.get(body.Image);
  const { record, volumes: wanted } = buildRecord(body, {
    id,
    name: chosen,
    imageId: image.id,
    imageConfig: image.config,
    chainIds: image.chainIds,
    chainsOf: (ref) => images.get(ref).chainIds,
    nowIso: new Date().toISOString(),
    bundle: runtime.bundle(id),
    logPath: runtime.logPath(id),
  });
  checkMounts(record);
  takeVolumesFrom(record, (ref) => book.get(ref));
  for (const network of Object.keys(record.NetworkSettings.Networks)) networks.get(network);
  const mode = record.HostConfig.NetworkMode ?? "";
  if (mode.startsWith("container:")) book.get(mode.slice(10));
  const made: string[] = [];
  try {
    for (const { name: volume, anonymous, spec } of wanted) {
      if (!volumes.find(volume)) made.push(volume);
      volumes.create(volume, {
        ...driverOf(spec),
        Labels: { ...spec?.VolumeOptions?.Labels, ...(anonymous ? { "com.docker.volume.anonymous": "" } : {}) },
      });
    }
    for (const mount of record.Mounts) if (mount.Type === "volume" && mount.Name) mount.Source = volumes.get(mount.Name).Mountpoint;
    mkdirSync(runtime.directory(id), { recursive: true, mode: 0o711 });
    book.put(record);
  } catch (error) {
    for (const volume of made) if (volumes.find(volume)) volumes.remove(volume);
    throw error;
  }
  book.emit(record, "create");
  return record;
}

function driverOf(spec: MountSpec | undefined): Parameters<Volumes["create"]>[1] {
  const driver = spec?.VolumeOptions?.DriverConfig;
  return { ...(driver?.Name ? { Driver: driver.Name } : {}), ...(driver?.Options ? { DriverOpts: driver.Options } : {}) };
}
