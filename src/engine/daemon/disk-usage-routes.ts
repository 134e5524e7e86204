import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Builder } from "../../build/index.ts";
import type { ImageStore } from "../../image/index.ts";
import type { Volumes } from "../../runtime/index.ts";
import { BerthError } from "../../system/index.ts";
import type { LocalSources } from "../buildkit/index.ts";
import { containerSummary } from "../container-api/container-summary.ts";
import type { ContainerRecord } from "../containers/container-record.ts";
import type { Containers } from "../containers/containers.ts";
import { type Route, route, sendJson } from "../http/http.ts";
import { imageSummary } from "../images/image-view.ts";
import { shownVolume } from "../volume-routes.ts";

/** GET /system/df: what images, containers, volumes and the build cache take. Layers that images hold anyway are shown as shared cache. */
export function diskUsageRoutes(o: {
  images: ImageStore;
  builder: Builder;
  sources: LocalSources;
  containers: Containers;
  volumes: Volumes;
  upperDir: (containerId: string) => string;
}): Route[] {
  const { images, builder, sources, containers, volumes } = o;
  return [
    route("GET", "/system/df", async ({ query, response, signal, version }) => {
      // The types came with 1.42; what is not asked for is null.
      const types = version < 1.42 ? [] : query.getAll("type");
      const unknown = types.find((type) => !["container", "image", "volume", "build-cache"].includes(type));
      if (unknown !== undefined) throw new BerthError("api/bad-parameter", `unknown object type: ${unknown}`);
      const wants = (type: string) => types.length === 0 || types.includes(type);
      const records = containers.list();
      const { layersSize, images: sizes } = images.diskUsage();
      const shared = new Map(sizes.map(({ id, sharedSize }) => [id, sharedSize]));
      const sizesOf = async (record: ContainerRecord) => {
        const SizeRw = await directorySize(o.upperDir(record.Id), signal);
        return { SizeRw, SizeRootFs: SizeRw + (sizes.find(({ id }) => id === record.Image)?.size ?? 0) };
      };
      const held = new Set(images.list().flatMap((image) => image.chainIds));
      sendJson(response, 200, {
        LayersSize: wants("image")
          ? layersSize - builder.diskUsage().reduce((sum, one) => sum + (held.has(one.chainId) ? 0 : one.size), 0)
          : 0,
        Images: wants("image")
          ? images.list().map((image) =>
              imageSummary(image, {
                version,
                sharedSize: shared.get(image.id) ?? 0,
                containers: records.filter((record) => record.Image === image.id).length,
              }),
            )
          : null,
        Containers: wants("container")
          ? await Promise.all(
              records.map(async (record) => ({
                ...containerSummary(record, (id) => images.resolve(id), version),
                ...(await sizesOf(record)),
              })),
            )
          : null,
        Volumes: wants("volume")
          ? await Promise.all(
              volumes.list().map(async (volume) => ({
                ...shownVolume(volume),
                UsageData: {
                  Size: await directorySize(volume.Mountpoint, signal),
                  RefCount: containers.volumeUsers(volume.Name).length,
                },
              })),
            )
          : null,
        BuildCache: wants("build-cache")
          ? [
              ...builder.diskUsage().map((one) => ({
                ID: one.key,
                Type: "regular",
                Description: one.description,
                InUse: false,
                Shared: held.has(one.chainId),
                Size: one.size,
                CreatedAt: one.createdIso,
                LastUsedAt: new Date(one.lastUsedMs).toISOString(),
                UsageCount: one.uses,
              })),
              ...sources.list().map((one) => ({
                ID: one.id,
                Type: "source.local",
                Description: one.description,
                InUse: one.inUse,
                Shared: false,
                Size: one.bytes,
                CreatedAt: new Date(one.createdMs).toISOString(),
                LastUsedAt: new Date(one.lastUsedMs).toISOString(),
                UsageCount: 1,
              })),
            ]
          : null,
      });
    }),
  ];
}

/** Bytes of the regular files below a directory, each inode once; what cannot be read counts nothing. */
async function directorySize(directory: string, signal: AbortSignal): Promise<number> {
  const seen = new Set<string>();
  const below = async (path: string): Promise<number> => {
    signal.throwIfAborted();
    let sum = 0;
    for (const entry of await readdir(path, { withFileTypes: true }).catch((): Dirent[] => [])) {
      const child = join(path, entry.name);
      if (entry.isDirectory()) sum += await below(child);
      else if (entry.isFile()) {
        const stat = await lstat(child).catch(() => undefined);
        const inode = `${stat?.dev}:${stat?.ino}`;
        if (!stat || (stat.nlink > 1 && seen.has(inode))) continue;
        seen.add(inode);
        sum += stat.size;
      }
    }
    return sum;
  };
  return await below(directory);
}
