import type { ContainerCreateBody, ExecCreateBody } from "../api/index.ts";
import { BerthError } from "../system/index.ts";

type Kind = "string" | "bool" | "int" | "[]string" | "[]object" | "map" | "object";

const config: Record<string, Kind> = {
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
  Cmd: "[]string",
  Entrypoint: "[]string",
  Image: "string",
  Volumes: "map",
  WorkingDir: "string",
  Labels: "map",
  StopSignal: "string",
  StopTimeout: "int",
  Shell: "[]string",
  Healthcheck: "object",
  NetworkDisabled: "bool",
  MacAddress: "string",
  OnBuild: "[]string",
  HostConfig: "object",
  NetworkingConfig: "object",
};

const hostConfig: Record<string, Kind> = {
  Binds: "[]string",
  LogConfig: "object",
  NetworkMode: "string",
  PortBindings: "map",
  RestartPolicy: "object",
  AutoRemove: "bool",
  VolumeDriver: "string",
  VolumesFrom: "[]string",
  Mounts: "[]object",
  Annotations: "map",
  CapAdd: "[]string",
  CapDrop: "[]string",
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
  StorageOpt: "map",
  Tmpfs: "map",
  UTSMode: "string",
  UsernsMode: "string",
  ShmSize: "int",
  Sysctls: "map",
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

/** Where Docker takes one word for a list of one. */
const wordOrList = new Set(["Cmd", "Entrypoint", "Shell", "CapAdd", "CapDrop"]);

/**
 * The body of a create as the engine reads it on: every known field of its kind, a single word where a list may be one made a list. Fields that are not known are
 * left as they are, as Docker does.
 * @throws BerthError api/bad-parameter
 */
export function createBody(body: unknown): ContainerCreateBody {
  const top = checked(body, config, "");
  const host = top["HostConfig"];
  return (host ? { ...top, HostConfig: checked(host, hostConfig, "HostConfig") } : top) as ContainerCreateBody; // its fields were just checked
}

const exec: Record<string, Kind> = {
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
  return checked(body, exec, "") as ExecCreateBody; // its fields were just checked
}

function checked(value: unknown, kinds: Readonly<Record<string, Kind>>, at: string): Record<string, unknown> {
  if (!isObject(value)) throw wrong(value, at, "object");
  // Names of fields are the same in any case, as Go reads them: docker-py sends "detachKeys".
  const canonical = new Map(Object.keys(kinds).map((key) => [key.toLowerCase(), key]));
  return Object.fromEntries(
    Object.entries(value).flatMap(([given, field]) => {
      const key = canonical.get(given.toLowerCase()) ?? given;
      const kind = kinds[key];
      if (kind === undefined) return [[key, field]];
      // null asks for nothing, whatever the field; some of them differ between nothing and empty, and keep it.
      if (field === null) return ["Cmd", "Entrypoint"].includes(key) || kind === "[]string" || kind === "int" ? [[key, null]] : [];
      if (kind === "[]string" && wordOrList.has(key) && typeof field === "string") return [[key, [field]]];
      if (!fits(field, kind)) throw wrong(field, `${at}.${key}`, kind);
      return [[key, field]];
    }),
  );
}

function fits(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case "string":
      return typeof value === "string";
    case "bool":
      return typeof value === "boolean";
    case "int":
      return typeof value === "number" && Number.isInteger(value);
    case "[]string":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    case "[]object":
      return Array.isArray(value) && value.every(isObject);
    case "map":
    case "object":
      return isObject(value);
    default:
      return kind satisfies never;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

function wrong(value: unknown, at: string, kind: string): BerthError {
  const found = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : value === null ? "null" : typeof value;
  return new BerthError("api/bad-parameter", `invalid JSON: json: cannot unmarshal ${found} into Go struct field ${at} of type ${kind}`);
}
