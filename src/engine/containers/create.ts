import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { cpus } from "node:os";
import type { ContainerCreateBody, MountSpec } from "../../api/index.ts";
import type { Volumes } from "../../runtime/index.ts";
import { BerthError, capabilityNames, memoryNodes } from "../../system/index.ts";
import { checkCreate } from "../container-api/create-validation.ts";
import { checkEndpoints } from "../container-api/endpoint-validation.ts";
import { checkBinds, checkVolumesFrom } from "../container-api/mount-validation.ts";
import { checkPlatform, checkPlatformText } from "../daemon/platform.ts";
import { apiVersion as newest } from "../daemon/version.ts";
import { buildRecord, type ContainerRecord } from "./container-record.ts";
import { defaultHostname, withJoinedIds } from "./joined.ts";
import { takeVolumesFrom } from "./mounts.ts";
import { checkName, freeName } from "./names.ts";
import type { ContainerParts } from "./parts.ts";

export interface CreateOptions {
  readonly platform?: string;
  /** The API's version that the client speaks. */
  readonly apiVersion?: number;
}

/**
 * Stores a new container; nothing runs yet. Everything that can be refused is refused here, and then nothing is left of it.
 * Networks are looked for at the start, as Docker does. @throws BerthError container/bad-config, container/name-taken, image/not-found, ...
 */
export function createContainer(
  { runtime, images, volumes, networks, book }: ContainerParts,
  name: string | undefined,
  asked: ContainerCreateBody,
  o: CreateOptions = {},
): { record: ContainerRecord; warnings: string[] } {
  const { platform, apiVersion = newestVersion } = o;
  if (platform) checkPlatformText(platform);
  const warnings = checkCreate(asked, hostFacts);
  if (asked.MacAddress && apiVersion >= 1.44)
    warnings.push("The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.");
  const id = randomBytes(32).toString("hex");
  const chosen = name?.replace(/^\//, "") || freeName(book.list());
  checkName(chosen, book.list());
  const image = asked.Image ? images.get(asked.Image) : noImage;
  checkEndpoints(asked, apiVersion, (ref) => networks.find(ref));
  const body = withJoinedIds(asked, (ref) => book.find(ref));
  checkVolumesFrom(body.HostConfig?.VolumesFrom ?? []);
  checkBinds(body.HostConfig?.Binds ?? []);
  if (platform && asked.Image) checkPlatform(asked.Image, image.config, platform);
  const { record, volumes: wanted } = buildRecord(body, {
    id,
    hostname: defaultHostname(body) ?? id.slice(0, 12),
    name: chosen,
    imageId: image.id,
    imageConfig: image.config,
    chainIds: image.chainIds,
    chainsOf: (ref) => images.get(ref).chainIds,
    nowIso: new Date().toISOString(),
    bundle: runtime.bundle(id),
    logPath: ["none", "local"].includes(body.HostConfig?.LogConfig?.Type ?? "") ? "" : runtime.logPath(id),
  });
  runtime.checkOptions(record.HostConfig);
  if (record.HostConfig.BlkioWeight && !runtime.hasBlkioWeight()) record.HostConfig = { ...record.HostConfig, BlkioWeight: 0 };
  takeVolumesFrom(record, (ref) => {
    const other = book.find(ref);
    if (!other) throw new BerthError("container/bad-config", `No such container: ${ref}`);
    return other;
  });
  checkLinks(record, (ref) => book.find(ref) !== undefined);
  const made: string[] = [];
  try {
    for (const { name: volume, anonymous, spec } of wanted) {
      const driver = spec ? driverOf(spec) : { Driver: body.HostConfig?.VolumeDriver || "local" };
      const isNew = !volumes.find(volume);
      volumes.create(volume, {
        ...driver,
        Labels: { ...spec?.VolumeOptions?.Labels, ...(anonymous ? { "com.docker.volume.anonymous": "" } : {}) },
      });
      if (isNew) made.push(volume);
    }
    for (const mount of record.Mounts) if (mount.Type === "volume" && mount.Name) mount.Source = volumes.get(mount.Name).Mountpoint;
    mkdirSync(runtime.directory(id), { recursive: true, mode: 0o711 });
    book.put(record);
  } catch (error) {
    for (const volume of made) if (volumes.find(volume)) volumes.discard(volume);
    throw error;
  }
  for (const volume of made) book.emitVolumeCreated(volume);
  book.emit(record, "create");
  return { record, warnings };
}

const newestVersion = Number(newest);

/** A container of no image has an empty root, as with Docker: what it runs comes from its mounts, or its files are copied in. */
const noImage = { id: "", config: { architecture: "", os: "linux", rootfs: { type: "layers" as const, diff_ids: [] } }, chainIds: [] };

const hostFacts = {
  capabilities: capabilityNames,
  /** Reading about every processor takes a millisecond: only who asks for some has it done. */
  get cpus(): number {
    return cpus().length;
  },
  get memoryNodes(): number {
    return memoryNodes();
  },
};

/** A container that is missing here is a fault of the request: a "not found" would make clients pull the image. */
function checkLinks({ HostConfig: { Links: links } }: ContainerRecord, isThere: (ref: string) => boolean): void {
  for (const text of links ?? []) {
    const [ref = "", , ...more] = text.split(":");
    if (text === "") throw new BerthError("system/internal", "empty string specified for links");
    if (more.length > 0) throw new BerthError("system/internal", `bad format for links: ${text}`);
    if (!isThere(ref)) throw new BerthError("container/bad-config", `could not get container for ${ref}: No such container: ${ref}`);
  }
}

function driverOf(spec: MountSpec): Parameters<Volumes["create"]>[1] {
  const driver = spec.VolumeOptions?.DriverConfig;
  return { ...(driver?.Name ? { Driver: driver.Name } : {}), ...(driver?.Options ? { DriverOpts: driver.Options } : {}) };
}
