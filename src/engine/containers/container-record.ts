import { randomBytes } from "node:crypto";
import { posix } from "node:path";
import type { Container, ContainerConfig, ContainerCreateBody, HostConfig, ImageConfig, MountPoint, MountSpec } from "../../api/index.ts";
import { BerthError } from "../../system/index.ts";

export const never = "0001-01-01T00:00:00Z";

/** A container as it is stored: Docker's object and what only this engine needs. */
export interface ContainerRecord extends Container {
  readonly Berth: {
    /** Overlay chains of the image, bottom first: they are kept while the container is there. */
    readonly chainIds: readonly string[];
    readonly imageConfig: ImageConfig;
    /** Images that are mounted: where, and their chains as of the creation. */
    readonly imageMounts?: readonly { readonly target: string; readonly chainIds: readonly string[] }[];
    /** An explicit stop: the restart policy is off until the next start. */
    userStopped: boolean;
  };
}

export interface BuiltRecord {
  readonly record: ContainerRecord;
  /** Volumes to be made first: name and, for anonymous ones, that the container owns it. */
  readonly volumes: readonly { readonly name: string; readonly anonymous: boolean; readonly spec?: MountSpec }[];
}

/** The record of a new container: image configuration and body merged as Docker merges them. Pure but for random ids. @throws BerthError container/bad-config */
export function buildRecord(
  body: ContainerCreateBody,
  o: {
    id: string;
    /** Where none was asked for. */
    hostname: string;
    name: string;
    imageId: string;
    imageConfig: ImageConfig;
    chainIds: readonly string[];
    /** The chains of another image, which a mount names. */
    chainsOf: (image: string) => readonly string[];
    nowIso: string;
    /** Directory of its hosts, resolv.conf and hostname. */
    bundle: string;
    logPath: string;
  },
): BuiltRecord {
  const image = o.imageConfig.config ?? {};
  const { HostConfig: hostConfig = {}, NetworkingConfig: networking, ...config } = body;
  const merged = mergeConfig(config, image, o.hostname);
  const command = [...(merged.Entrypoint ?? []), ...(merged.Cmd ?? [])];
  if (command.length === 0)
    throw new BerthError("container/bad-config", "no command specified", { hint: "The image has none either: give one." });
  const mode = !hostConfig.NetworkMode || hostConfig.NetworkMode === "default" ? "bridge" : hostConfig.NetworkMode;
  const hc: HostConfig = {
    ...hostConfig,
    NetworkMode: mode,
    RestartPolicy: { Name: hostConfig.RestartPolicy?.Name || "no", MaximumRetryCount: hostConfig.RestartPolicy?.MaximumRetryCount ?? 0 },
    LogConfig: { Type: hostConfig.LogConfig?.Type || "json-file", Config: hostConfig.LogConfig?.Config ?? {} },
    PortBindings: hostConfig.PortBindings ?? {},
    ShmSize: hostConfig.ShmSize || 67108864,
    ...((hostConfig.PidsLimit ?? 1) <= 0 ? { PidsLimit: null } : {}),
    IpcMode: hostConfig.IpcMode || "private",
    CgroupnsMode: hostConfig.CgroupnsMode || "private",
    Runtime: hostConfig.Runtime || "runc",
  };
  const { mounts, volumes } = mountPoints(hc, merged);
  const endpoints = { ...networking?.EndpointsConfig };
  if (!["host", "none"].includes(mode) && !mode.startsWith("container:")) {
    if (mode === "bridge" && endpoints["default"]) {
      endpoints["bridge"] = endpoints["default"];
      delete endpoints["default"];
    }
    endpoints[mode] ??= {};
    // The address of the whole container is, since 1.44, that of its main network.
    if (config.MacAddress) endpoints[mode] = { ...endpoints[mode], MacAddress: endpoints[mode].MacAddress || config.MacAddress };
    if (endpoints[mode]?.MacAddress) merged.MacAddress = endpoints[mode].MacAddress;
  } else for (const name of Object.keys(endpoints)) delete endpoints[name];
  return {
    volumes,
    record: {
      Id: o.id,
      Created: o.nowIso,
      Path: command[0] ?? "",
      Args: command.slice(1),
      State: {
        Status: "created",
        Running: false,
        Paused: false,
        Restarting: false,
        OOMKilled: false,
        Dead: false,
        Pid: 0,
        ExitCode: 0,
        Error: "",
        StartedAt: never,
        FinishedAt: never,
      },
      Image: o.imageId,
      ResolvConfPath: `${o.bundle}/resolv.conf`,
      HostnamePath: `${o.bundle}/hostname`,
      HostsPath: `${o.bundle}/hosts`,
      LogPath: o.logPath,
      Name: `/${o.name}`,
      RestartCount: 0,
      Driver: "overlay2",
      Platform: "linux",
      MountLabel: "",
      ProcessLabel: "",
      AppArmorProfile: "",
      ExecIDs: null,
      HostConfig: hc,
      Mounts: mounts,
      Config: merged,
      NetworkSettings: { SandboxID: "", SandboxKey: "", Ports: {}, Networks: endpoints },
      Berth: {
        chainIds: o.chainIds,
        imageConfig: o.imageConfig,
        imageMounts: (hc.Mounts ?? []).flatMap((spec) =>
          spec.Type === "image" ? [{ target: cleanPath(spec.Target), chainIds: o.chainsOf(spec.Source ?? "") }] : [],
        ),
        userStopped: false,
      },
    },
  };
}

function mergeConfig(config: ContainerConfig, image: ContainerConfig, hostname: string): ContainerConfig {
  // As Docker shows them: the container's own variables, then what is left of the image's.
  const given = new Set((config.Env ?? []).map((line) => line.split("=", 1)[0]));
  const env = [...(config.Env ?? []), ...(image.Env ?? []).filter((line) => !given.has(line.split("=", 1)[0]))];
  // A command that is not given is the image's, unless the entrypoint is given: then there is none.
  const entrypoint = config.Entrypoint?.length
    ? isNothing(config.Entrypoint)
      ? null
      : config.Entrypoint
    : (config.Entrypoint ?? image.Entrypoint ?? null);
  const cmd = config.Cmd?.length ? config.Cmd : config.Entrypoint?.length ? null : (image.Cmd ?? null);
  const health = config.Healthcheck?.Test?.length
    ? config.Healthcheck
    : image.Healthcheck
      ? { ...image.Healthcheck, ...config.Healthcheck, Test: image.Healthcheck.Test ?? [] }
      : config.Healthcheck;
  const directory = config.WorkingDir || image.WorkingDir || "";
  return {
    ...config,
    Hostname: config.Hostname || hostname,
    Domainname: config.Domainname ?? "",
    User: config.User || image.User || "",
    AttachStdin: config.AttachStdin ?? false,
    AttachStdout: config.AttachStdout ?? false,
    AttachStderr: config.AttachStderr ?? false,
    Tty: config.Tty ?? false,
    OpenStdin: config.OpenStdin ?? false,
    StdinOnce: config.StdinOnce ?? false,
    Env: env,
    Cmd: cmd,
    Entrypoint: entrypoint,
    Image: config.Image ?? "",
    Volumes: { ...image.Volumes, ...config.Volumes },
    WorkingDir: directory && cleanPath(directory),
    Labels: { ...image.Labels, ...config.Labels },
    ExposedPorts: { ...image.ExposedPorts, ...config.ExposedPorts },
    ...(config.StopSignal || image.StopSignal ? { StopSignal: config.StopSignal || (image.StopSignal ?? "") } : {}),
    ...(health && health.Test?.[0] !== "NONE" ? { Healthcheck: withoutNothing(health) } : {}),
  };
}

/** The one empty word that says "none" (`--entrypoint ""`). */
function isNothing(words: readonly string[]): boolean {
  return words.length === 1 && words[0] === "";
}

/** Clients send null, 0 or an empty list for what they do not set; Docker shows none of it. */
function withoutNothing<T extends object>(value: T): T {
  const isSaid = (one: unknown) => one !== null && one !== 0 && !(Array.isArray(one) && one.length === 0);
  return Object.fromEntries(Object.entries(value).filter(([, one]) => isSaid(one))) as T; // an optional field may be missing
}

/** "source:target[:options]" -> a mount point; a source without "/" is a volume. */
function parseBind(text: string): { source: string; target: string; options: string[] } {
  const [source = "", target = "", options = ""] = text.split(":");
  return { source, target: cleanPath(target), options: options.split(",").filter(Boolean) };
}

/** A path in its shortest form, without a slash at the end: what is mounted may be a file. */
const cleanPath = (path: string): string => posix.normalize(path).replace(/(.)\/$/, "$1");

function mountPoints(
  hc: HostConfig,
  config: ContainerConfig,
): { mounts: MountPoint[]; volumes: { name: string; anonymous: boolean; spec?: MountSpec }[] } {
  const mounts = new Map<string, MountPoint>();
  const volumes: { name: string; anonymous: boolean; spec?: MountSpec }[] = [];
  const volume = (name: string, target: string, o: { rw: boolean; mode: string; anonymous: boolean; spec?: MountSpec }) => {
    volumes.push({ name, anonymous: o.anonymous, ...(o.spec ? { spec: o.spec } : {}) });
    mounts.set(target, {
      Type: "volume",
      Name: name,
      Source: "",
      Destination: target,
      Driver: "local",
      Mode: o.mode,
      RW: o.rw,
      Propagation: "",
    });
  };
  for (const text of hc.Binds ?? []) {
    if (!text.includes(":")) {
      volume(randomBytes(32).toString("hex"), cleanPath(text), { rw: true, mode: "", anonymous: true });
      continue;
    }
    const { source, target, options } = parseBind(text);
    const rw = !options.includes("ro");
    if (source.startsWith("/"))
      mounts.set(target, {
        Type: "bind",
        Source: cleanPath(source),
        Destination: target,
        Mode: options.join(","),
        RW: rw,
        Propagation: options.find((word) => /^r?(shared|slave|private)$/.test(word)) ?? "rprivate",
      });
    else volume(source, target, { rw, mode: options.join(",") || "z", anonymous: false });
  }
  for (const spec of hc.Mounts ?? []) {
    const target = cleanPath(spec.Target ?? "");
    if (mounts.has(target)) throw new BerthError("container/bad-config", `Duplicate mount point: ${target}`);
    const rw = spec.ReadOnly !== true;
    if (spec.Type === "bind")
      mounts.set(target, {
        Type: "bind",
        Source: cleanPath(spec.Source ?? ""),
        Destination: target,
        Mode: "",
        RW: rw,
        Propagation: spec.BindOptions?.Propagation || "rprivate",
      });
    else if (spec.Type === "tmpfs")
      mounts.set(target, { Type: "tmpfs", Source: "", Destination: target, Mode: "", RW: rw, Propagation: "" });
    else if (spec.Type === "volume")
      volume(spec.Source || randomBytes(32).toString("hex"), target, { rw, mode: "z", anonymous: !spec.Source, spec });
    else if (spec.Type === "image")
      // Docker 28: an image's tree, never written to.
      mounts.set(target, {
        Type: "image",
        Name: spec.Source ?? "",
        Source: spec.Source ?? "",
        Destination: target,
        Mode: "",
        RW: false,
        Propagation: "rprivate",
      });
  }
  for (const target of Object.keys(hc.Tmpfs ?? {})) mounts.delete(cleanPath(target));
  for (const target of Object.keys(config.Volumes ?? {})) {
    const path = cleanPath(target);
    if (!mounts.has(path) && !hc.Tmpfs?.[path]) volume(randomBytes(32).toString("hex"), path, { rw: true, mode: "", anonymous: true });
  }
  return { mounts: [...mounts.values()], volumes };
}
