import type { ContainerCreateBody, ExecCreateBody } from "../../api/index.ts";
import { BerthError } from "../../system/index.ts";
import { type Shape, shaped } from "../http/body-shape.ts";
import type { UpdateBody } from "./update-validation.ts";

const config: Shape = {
  Hostname: "string",
  Domainname: "string",
  User: "string",
  AttachStdin: "bool",
  AttachStdout: "bool",
  AttachStderr: "bool",
  Tty: "bool",
  OpenStdin: "bool",
  StdinOnce: "bool",
  ExposedPorts: "map",
  Env: "[]string",
  Cmd: "words",
  Entrypoint: "words",
  Image: "string",
  Volumes: "map",
  WorkingDir: "string",
  Labels: "texts",
  StopSignal: "string",
  StopTimeout: "int",
  Shell: "words",
  Healthcheck: "object",
  NetworkDisabled: "bool",
  MacAddress: "string",
  OnBuild: "[]string",
  HostConfig: "object",
  NetworkingConfig: "object",
};

const hostConfig: Shape = {
  Binds: "[]string",
  LogConfig: "object",
  NetworkMode: "string",
  PortBindings: "map",
  RestartPolicy: "object",
  AutoRemove: "bool",
  VolumeDriver: "string",
  VolumesFrom: "[]string",
  Mounts: "[]object",
  Annotations: "texts",
  CapAdd: "words",
  CapDrop: "words",
  CgroupnsMode: "string",
  Dns: "[]string",
  DnsOptions: "[]string",
  DnsSearch: "[]string",
  ExtraHosts: "[]string",
  GroupAdd: "[]string",
  IpcMode: "string",
  Links: "[]string",
  OomScoreAdj: "int",
  PidMode: "string",
  Privileged: "bool",
  PublishAllPorts: "bool",
  ReadonlyRootfs: "bool",
  SecurityOpt: "[]string",
  StorageOpt: "texts",
  Tmpfs: "texts",
  UTSMode: "string",
  UsernsMode: "string",
  ShmSize: "int",
  Sysctls: "texts",
  Runtime: "string",
  Isolation: "string",
  MaskedPaths: "[]string",
  ReadonlyPaths: "[]string",
  Init: "bool",
  CpuShares: "int",
  Memory: "int",
  NanoCpus: "int",
  CgroupParent: "string",
  BlkioWeight: "int",
  CpuPeriod: "int",
  CpuQuota: "int",
  CpusetCpus: "string",
  CpusetMems: "string",
  Devices: "[]object",
  DeviceCgroupRules: "[]string",
  DeviceRequests: "[]object",
  MemoryReservation: "int",
  MemorySwap: "int",
  MemorySwappiness: "int",
  OomKillDisable: "bool",
  PidsLimit: "int",
  Ulimits: "[]object",
};

/**
 * The body of a create as the engine reads it on: every known field of its kind, a single word where a list may be one made a list. Fields that are not known are
 * left as they are, as Docker does.
 * @throws BerthError api/bad-parameter
 */
export function createBody(body: unknown): ContainerCreateBody {
  const top = shaped(body, config, { go: "container.CreateRequest", at: "" });
  const { HostConfig: host, Healthcheck: health } = top;
  if (health) shaped(health, healthConfig, { go: "container.HealthConfig", at: ".Healthcheck" });
  // its fields were just checked
  return (
    host ? { ...top, HostConfig: shaped(host, hostConfig, { go: "container.HostConfig", at: ".HostConfig" }) } : top
  ) as ContainerCreateBody;
}

/**
 * A body without any field of the container's own is none, for Docker; one without an image is a container with an empty root.
 * @throws BerthError container/bad-config
 */
export function checkNotEmpty(body: ContainerCreateBody): void {
  if (!Object.keys(body).some((key) => key in config && key !== "HostConfig" && key !== "NetworkingConfig"))
    throw new BerthError("container/bad-config", "config cannot be empty in order to create a container");
}

const healthConfig: Shape = {
  Test: "[]string",
  Interval: "int",
  Timeout: "int",
  StartPeriod: "int",
  StartInterval: "int",
  Retries: "int",
};

const exec: Shape = {
  AttachStdin: "bool",
  AttachStdout: "bool",
  AttachStderr: "bool",
  DetachKeys: "string",
  Tty: "bool",
  Env: "[]string",
  Cmd: "[]string",
  Privileged: "bool",
  User: "string",
  WorkingDir: "string",
};

/** The same for the body of POST /containers/{id}/exec. @throws BerthError api/bad-parameter */
export function execBody(body: unknown): ExecCreateBody {
  return shaped(body, exec, { go: "container.ExecOptions", at: "ExecOptions" }) as ExecCreateBody; // its fields were just checked
}

const update: Shape = {
  BlkioWeight: "int",
  CpuShares: "int",
  CpuPeriod: "int",
  CpuQuota: "int",
  CpuRealtimePeriod: "int",
  CpuRealtimeRuntime: "int",
  CpusetCpus: "string",
  CpusetMems: "string",
  Memory: "int",
  MemoryReservation: "int",
  MemorySwap: "int",
  NanoCpus: "int",
  PidsLimit: "int",
  RestartPolicy: "object",
};

/** The same for the body of POST /containers/{id}/update. @throws BerthError api/bad-parameter */
export function updateBody(body: unknown): UpdateBody {
  return shaped(body, update, { go: "container.UpdateConfig", at: "UpdateConfig" }) as UpdateBody; // its fields were just checked
}
