import { existsSync, mkdirSync } from "node:fs";
import type { MountPoint, MountSpec } from "../../api/index.ts";
import { type ResolvedMount, resolveInside } from "../../runtime/index.ts";
import { BerthError } from "../../system/index.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { ContainerParts } from "./parts.ts";
import { layerDirs } from "./root.ts";
import { tmpfsMountOptions, tmpfsOptions } from "./tmpfs-options.ts";

/** `volumes_from`: the other container's mounts, but for the places that this one uses itself. */
export function takeVolumesFrom(record: ContainerRecord, get: (ref: string) => ContainerRecord): void {
  for (const text of record.HostConfig.VolumesFrom ?? []) {
    const [ref = "", mode = "rw"] = text.split(":");
    for (const mount of get(ref).Mounts)
      if (!record.Mounts.some((own) => own.Destination === mount.Destination))
        record.Mounts.push({ ...mount, RW: mount.RW && mode !== "ro" });
  }
}

/**
 * The record's mounts with everything made ready: volumes filled on their first use, images mounted, missing directories of short binds made. `root` is the
 * container's mounted root. @throws BerthError container/bad-config, volume/no-subpath, ...
 */
export async function resolveMounts(parts: Pick<ContainerParts, "runtime" | "volumes" | "images">, record: ContainerRecord, root: string) {
  const list: ResolvedMount[] = Object.entries(record.HostConfig.Tmpfs ?? {}).map(([target, options]) => ({
    destination: target,
    type: "tmpfs",
    source: "tmpfs",
    options: tmpfsOptions(options.split(",").filter(Boolean)),
  }));
  for (const mount of record.Mounts) {
    const spec = (record.HostConfig.Mounts ?? []).find((candidate) => candidate.Target === mount.Destination);
    list.push(await resolveMount(parts, record, { mount, spec, root }));
  }
  // Parents before what is mounted below them.
  return list.sort((a, b) => a.destination.split("/").length - b.destination.split("/").length);
}

async function resolveMount(
  { runtime, volumes, images }: Pick<ContainerParts, "runtime" | "volumes" | "images">,
  record: ContainerRecord,
  { mount, spec, root }: { mount: MountPoint; spec: MountSpec | undefined; root: string },
): Promise<ResolvedMount> {
  const destination = mount.Destination;
  const access = mount.RW ? "rw" : "ro";
  switch (mount.Type) {
    case "tmpfs":
      return { destination, type: "tmpfs", source: "tmpfs", options: tmpfsMountOptions(spec, access) };
    case "volume": {
      const subpath = spec?.VolumeOptions?.Subpath;
      const noCopy = spec?.VolumeOptions?.NoCopy === true || mount.Mode.split(",").includes("nocopy");
      const inside = resolveInside(root, destination);
      const source = await volumes.prepare(mount.Name ?? "", { user: record.Id, inside, noCopy, ...(subpath ? { subpath } : {}) });
      // What the volume itself mounts read-only a container's "rw" must not make writable again.
      const readOnly = volumes
        .find(mount.Name ?? "")
        ?.Options?.["o"]?.split(",")
        .includes("ro");
      return { destination, type: "volume", source, options: ["rbind", readOnly ? "ro" : access, "rprivate"] };
    }
    case "image": {
      const image = record.Berth.imageMounts?.find((candidate) => candidate.target === destination);
      const tree = runtime.mountImage(record.Id, destination, layerDirs(images, image?.chainIds ?? []));
      const subpath = spec?.ImageOptions?.Subpath;
      const source = subpath ? resolveInside(tree, subpath) : tree;
      if (!existsSync(source))
        throw new BerthError("container/bad-config", `cannot access path ${subpath}: no such file or directory in image ${spec?.Source}`);
      return { destination, type: "bind", source, options: ["rbind", "ro", "rprivate"] };
    }
    case "bind":
      if (!existsSync(mount.Source)) {
        if (spec && !spec.BindOptions?.CreateMountpoint) throw bindMissing(mount.Source);
        mkdirSync(mount.Source, { recursive: true });
      }
      return { destination, type: "bind", source: mount.Source, options: bindOptions(mount, spec, access) };
    default:
      throw new BerthError("container/bad-config", `mount type "${mount.Type}" is not supported`);
  }
}

function bindOptions(mount: MountPoint, spec: MountSpec | undefined, access: "ro" | "rw"): string[] {
  const { ReadOnlyNonRecursive: shallow, ReadOnlyForceRecursive: deep } = spec?.BindOptions ?? {};
  const conflict = shallow && deep ? "ReadOnlyNonRecursive" : access === "rw" && (shallow || deep) ? "!ReadOnly" : undefined;
  if (conflict)
    throw new BerthError(
      "runtime/start-failed",
      `mount options conflict: ${conflict} && BindOptions.${deep ? "ReadOnlyForceRecursive" : "ReadOnlyNonRecursive"}`,
    );
  return [spec?.BindOptions?.NonRecursive ? "bind" : "rbind", access, mount.Propagation || "rprivate"];
}

const bindMissing = (source: string) =>
  new BerthError("container/bad-config", `invalid mount config for type "bind": bind source path does not exist: ${source}`, {
    hint: "Create it, or write the mount in its short form, which creates directories.",
  });
