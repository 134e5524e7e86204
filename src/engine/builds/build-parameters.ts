import { cpus } from "node:os";
import { posix } from "node:path";
import { type BuildRequest, parseCacheEntry } from "../../build/index.ts";
import { type ImageStore, parseReference } from "../../image/index.ts";
import { BerthError, messageOf } from "../../system/index.ts";
import { checkCpus } from "../container-api/create-validation.ts";
import { checkPlatformText } from "../daemon/platform.ts";
import type { Call } from "../http/http.ts";
import { jsonFault } from "../http/json-body.ts";
import { flag } from "../http/query-values.ts";

/** Parameters of POST /build that Berth's builder has no counterpart for; false and empty values ask for nothing. */
const refused = ["outputs", "cgroupparent"];

/**
 * The parameters of POST /build for the classic builder, checked in Docker's order and words before the context is read.
 * @throws BerthError api/bad-parameter, api/unreadable-value, api/not-implemented
 */
export function classicBuild({ query, request }: Call, images: ImageStore): BuildRequest {
  checkParameters(query);
  for (const name of refused)
    if (query.get(name) && !["0", "false", "[]", "{}"].includes(query.get(name) ?? ""))
      throw new BerthError("api/not-implemented", `the build option ${name} is not supported`);
  const sources = strings(query, "cachefrom", "error reading cache-from");
  const remote = query.get("remote");
  const [target, platform, network] = [query.get("target"), query.get("platform"), query.get("networkmode")];
  const labels = Object.entries(texts(query, "labels", "error reading labels")).map(([key, value]): [string, string] => [key, value ?? ""]);
  const args = texts(query, "buildargs", "error reading build args");
  const tags = query.getAll("t").filter(Boolean);
  const dockerfile = query.get("dockerfile") || "Dockerfile";
  for (const tag of tags) checkTag(tag);
  if (platform) checkPlatformText(platform);
  if (posix.normalize(dockerfile).split("/")[0] === "..")
    throw new BerthError("api/unreadable-value", `forbidden path outside the build context: ${dockerfile} ()`);
  if (remote === "client-session")
    throw new BerthError(
      "api/bad-parameter",
      "experimental session with v1 builder is no longer supported, use builder version v2 (BuildKit) instead",
    );
  if (remote && !/^(https?:\/\/|git:\/\/|github\.com\/|git@)/.test(remote))
    throw new BerthError("api/unreadable-value", `remoteURL (${remote}) could not be recognized as URL`);
  return {
    ...(remote ? { remote } : { contextTar: request }),
    hideIgnoredDockerfile: true,
    takesAnyPlatform: true,
    dockerfile,
    args,
    labels: Object.fromEntries(labels),
    tags,
    // The classic builder takes steps from the images that are named, and from nothing where none of them is here.
    noCache: flag(query, "nocache") || (sources.length > 0 && !sources.some((ref) => images.resolve(ref))),
    cacheFrom: sources.map((ref) => parseCacheEntry(ref, "import")),
    pull: flag(query, "pull"),
    extraHosts: query
      .getAll("extrahosts")
      .flatMap((text) => text.split(","))
      .filter(Boolean),
    ...(target ? { target } : {}),
    ...(platform ? { platform } : {}),
    ...(network ? { network } : {}),
    ...limits(query),
    ...(Number(query.get("shmsize")) > 0 ? { shmSize: Number(query.get("shmsize")) } : {}),
  };
}

/** The limits of a RUN's process (POST /build: memory, memswap, cpushares, ..., ulimits). */
function limits(query: URLSearchParams): Pick<BuildRequest, "resources" | "ulimits"> {
  const number = (key: "Memory" | "MemorySwap" | "CpuShares" | "CpuPeriod" | "CpuQuota", name: string) =>
    Number(query.get(name)) ? { [key]: Number(query.get(name)) } : {};
  const text = (key: "CpusetCpus" | "CpusetMems", name: string) => (query.get(name) ? { [key]: query.get(name) ?? "" } : {});
  const resources = {
    ...number("Memory", "memory"),
    ...number("MemorySwap", "memswap"),
    ...number("CpuShares", "cpushares"),
    ...number("CpuPeriod", "cpuperiod"),
    ...number("CpuQuota", "cpuquota"),
    ...text("CpusetCpus", "cpusetcpus"),
    ...text("CpusetMems", "cpusetmems"),
  };
  checkCpus(resources, cpus().length);
  const ulimits = (json(query, "ulimits", "error reading ulimit settings") ?? []) as NonNullable<BuildRequest["ulimits"]>; // the API's own form
  return { ...(Object.keys(resources).length > 0 ? { resources } : {}), ...(ulimits.length > 0 ? { ulimits } : {}) };
}

function checkParameters(query: URLSearchParams): void {
  if (query.has("securityopt")) throw new BerthError("api/bad-parameter", "security options are not supported on linux");
  const shm = query.get("shmsize") || "0";
  if (!/^[+-]?\d+$/.test(shm)) throw new BerthError("api/unreadable-value", `strconv.ParseInt: parsing "${shm}": invalid syntax`);
  const isolation = query.get("isolation") || "default";
  if (isolation.toLowerCase() !== "default") throw new BerthError("api/bad-parameter", `unsupported isolation: "${isolation}"`);
  json(query, "outputs", "invalid outputs specified");
  json(query, "ulimits", "error reading ulimit settings");
  if (flag(query, "squash")) throw new BerthError("api/bad-parameter", "squash is only supported with experimental mode");
}

/** A bad name is a fault of its own for Docker here (500). */
function checkTag(tag: string): void {
  try {
    if (parseReference(tag).digest) throw new BerthError("image/bad-reference", "build tag cannot contain a digest");
  } catch (error) {
    throw new BerthError("api/unreadable-value", messageOf(error));
  }
}

function texts(query: URLSearchParams, name: string, doing: string): Record<string, string | null> {
  const value = json(query, name, doing) ?? {};
  if (typeof value !== "object" || Array.isArray(value)) throw wrong(doing, value, "map[string]string");
  const bad = Object.values(value).find((one) => one !== null && typeof one !== "string");
  if (bad !== undefined) throw wrong(doing, bad, "string");
  return value as Record<string, string | null>; // just checked
}

function strings(query: URLSearchParams, name: string, doing: string): string[] {
  const value = json(query, name, doing) ?? [];
  if (!Array.isArray(value)) throw wrong(doing, value, "[]string");
  const bad = value.find((one) => typeof one !== "string") as unknown;
  if (bad !== undefined) throw wrong(doing, bad, "string");
  return value;
}

function json(query: URLSearchParams, name: string, doing: string): unknown {
  const text = query.get(name);
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BerthError("api/bad-parameter", `${doing}: ${jsonFault(messageOf(error), text)}`);
  }
}

function wrong(doing: string, value: unknown, type: string): BerthError {
  const found = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  return new BerthError("api/bad-parameter", `${doing}: json: cannot unmarshal ${found} into Go value of type ${type}`);
}
