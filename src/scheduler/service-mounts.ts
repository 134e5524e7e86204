import type { Container, MountSpec, Project, Service, ServiceVolume } from "../api/index.ts";
import type { ServiceFile } from "./service-files.ts";

/** Everything that a service's containers mount, volumes first. `written` says where a file that the engine writes is. */
export function serviceMounts(
  project: Project,
  service: Service,
  files: readonly ServiceFile[],
  written: (file: Extract<ServiceFile, { kind: "write" }>) => string,
): MountSpec[] {
  return [
    ...(service.volumes ?? []).map((volume) => mountOf(project, volume)),
    ...files.map(
      (file): MountSpec => ({
        Type: "bind",
        Source: file.kind === "bind" ? file.path : written(file),
        Target: file.target,
        ReadOnly: true,
      }),
    ),
  ];
}

function mountOf(project: Project, volume: ServiceVolume): MountSpec {
  const source = volume.type === "volume" && volume.source ? (project.volumes[volume.source]?.name ?? volume.source) : volume.source;
  const mount: MountSpec = { Type: volume.type, Target: volume.target };
  if (source) mount.Source = source;
  if (volume.read_only !== undefined) mount.ReadOnly = volume.read_only;
  if (volume.consistency) mount.Consistency = volume.consistency;
  if (volume.type === "bind") {
    // Without a word on the bind it is as in the short form; with one, only what is said counts (docker/compose, pkg/compose/create.go).
    const { propagation, create_host_path: create, recursive } = volume.bind ?? { create_host_path: true };
    mount.BindOptions = {
      ...(propagation ? { Propagation: propagation } : {}),
      ...(create ? { CreateMountpoint: true } : {}),
      ...(recursive === "disabled" ? { NonRecursive: true } : {}),
      ...(recursive === "writable" ? { ReadOnlyNonRecursive: true } : {}),
      ...(recursive === "readonly" ? { ReadOnlyForceRecursive: true } : {}),
    };
  }
  if (volume.type === "volume") {
    const definition = volume.source ? project.volumes[volume.source] : undefined;
    mount.VolumeOptions = {
      ...(volume.volume?.nocopy ? { NoCopy: true } : {}),
      ...(volume.volume?.subpath ? { Subpath: volume.volume.subpath } : {}),
      ...(volume.volume?.labels ? { Labels: volume.volume.labels } : {}),
      ...(definition?.driver || definition?.driver_opts
        ? {
            DriverConfig: {
              ...(definition.driver ? { Name: definition.driver } : {}),
              ...(definition.driver_opts ? { Options: definition.driver_opts } : {}),
            },
          }
        : {}),
    };
  }
  if (volume.type === "tmpfs" && volume.tmpfs)
    mount.TmpfsOptions = {
      ...(volume.tmpfs.size ? { SizeBytes: volume.tmpfs.size } : {}),
      ...(volume.tmpfs.mode ? { Mode: volume.tmpfs.mode } : {}),
    };
  if (volume.type === "image" && volume.image?.subpath) mount.ImageOptions = { Subpath: volume.image.subpath };
  return mount;
}

/**
 * The same mounts with the anonymous volumes of the container that is replaced in place of new ones: what it kept there is kept, as Compose does.
 * `declared` are the paths that the image declares as volumes.
 */
export function inheritVolumes(mounts: readonly MountSpec[], old: Container, declared: readonly string[]): MountSpec[] {
  const volumeAt = (target: string) =>
    old.Mounts.find((mount) => mount.Type === "volume" && mount.Destination === target.replace(/(.)\/+$/, "$1"))?.Name;
  const own = mounts.map((mount) => {
    const name = mount.Type === "volume" && !mount.Source ? volumeAt(mount.Target) : undefined;
    return name ? { ...mount, Source: name } : mount;
  });
  const fromImage = declared
    .filter((target) => !mounts.some((mount) => mount.Target === target))
    .flatMap((target): MountSpec[] => {
      const name = volumeAt(target);
      return name ? [{ Type: "volume", Source: name, Target: target }] : [];
    });
  return [...own, ...fromImage];
}
