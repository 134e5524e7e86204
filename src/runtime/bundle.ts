import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Container, ImageConfig } from "../api/index.ts";
import type { Host } from "../system/index.ts";
import { limitedDevices } from "./block-devices.ts";
import type { ContainerPaths } from "./container-paths.ts";
import { hostDevices } from "./devices.ts";
import { fitToHost, type HostLimits } from "./host-limits.ts";
import { initProgram } from "./init-program.ts";
import { readInside } from "./inside.ts";
import type { NamespacePaths, ResolvedMount } from "./oci-input.ts";
import { ociJson } from "./oci-json.ts";
import { ociSpec } from "./oci-spec.ts";
import type { SeccompProfile } from "./seccomp.ts";
import type { SeccompCache } from "./seccomp-cache.ts";
import { resolveUser } from "./users.ts";

export interface StartInput {
  readonly container: Container;
  readonly imageConfig: ImageConfig;
  /** Overlay lower directories, top first. */
  readonly lowerDirs: readonly string[];
  readonly namespaces: NamespacePaths;
  readonly mounts: readonly ResolvedMount[];
  readonly hosts: string;
  readonly resolvConf: string;
  /** Directory on the host of shared memory that is not the container's alone. */
  readonly sharedMemory?: string;
  /** Another container, whose hosts, resolv.conf and hostname this one has instead of its own. */
  readonly filesOf?: string;
}

/**
 * Writes config.json and the files of /etc of a container whose root is mounted. Answers the key under which crun's seccomp filter may be kept, where it is not yet.
 * @throws BerthError runtime/unknown-user, runtime/bad-option, system/missing-tool
 */
export function writeBundle(
  o: { paths: ContainerPaths; host: Host; limits: HostLimits; filters: SeccompCache | undefined },
  input: StartInput,
): { learn?: string } {
  const { paths, host, limits, filters } = o;
  const { container: asked } = input;
  const container = { ...asked, HostConfig: fitToHost(asked.HostConfig, limits).hostConfig };
  const id = container.Id;
  const bundle = paths.bundle(id);
  const rootfs = paths.rootfs(id);
  const files = input.filesOf ? paths.bundle(input.filesOf) : bundle;
  const etc = { hosts: join(files, "hosts"), "resolv.conf": join(files, "resolv.conf"), hostname: join(files, "hostname") };
  if (!input.filesOf) {
    writeFileSync(etc.hosts, input.hosts, { mode: 0o644 });
    writeFileSync(etc["resolv.conf"], input.resolvConf, { mode: 0o644 });
    writeFileSync(etc.hostname, `${container.Config.Hostname}\n`, { mode: 0o644 });
  }
  const spec = ociSpec({
    container,
    imageConfig: input.imageConfig,
    user: resolveUser(
      container.Config.User ?? "",
      readInside(rootfs, "/etc/passwd"),
      readInside(rootfs, "/etc/group"),
      container.HostConfig.GroupAdd ?? [],
    ),
    rootfs,
    cgroupsPath: paths.cgroupsPath(id),
    namespaces: input.namespaces,
    mounts: input.mounts,
    etc,
    host,
    devices: hostDevices(container.HostConfig),
    hardNofile: hardNofile(),
    blockDevices: limitedDevices(container.HostConfig),
    ...(input.sharedMemory ? { sharedMemory: input.sharedMemory } : {}),
    ...(container.HostConfig.Init ? { init: initProgram() } : {}),
  });
  const profile = (spec["linux"] as { seccomp?: SeccompProfile }).seccomp; // as ociSpec made it
  const key = profile && filters?.key(profile);
  const filter = key && filters?.find(key);
  const annotations = { ...(filter ? { "run.oci.seccomp_bpf_data": filter } : {}), ...(spec["annotations"] as Record<string, string>) }; // likewise
  writeFileSync(join(bundle, "config.json"), ociJson({ ...spec, annotations }));
  return key && !filter ? { learn: key } : {};
}

/** The hard limit of open files that this engine has, which its children cannot raise. */
export function hardNofile(): number {
  const text = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  return text === "unlimited" || text === undefined ? 1048576 : Number(text);
}
