import type { BuildDefinition } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import type { BuildRequest } from "./build-request.ts";
import { parsePlatform, platformText } from "./platform.ts";
import { parseCacheEntry } from "./remote-cache/cache-entry.ts";

/**
 * The `build` of a Compose service as a build request. `secretValue` reads a secret of the project; `serviceImage` gives the image of another
 * service for `service:name` contexts, which is built before.
 */
export function buildRequestOf(
  definition: BuildDefinition,
  o: {
    name: string;
    tags: string[];
    directory: string;
    secretValue: (source: string) => Buffer;
    serviceImage: (service: string) => string;
  },
): BuildRequest {
  const [platform, ...more] = new Set((definition.platforms ?? []).map((text) => platformText(parsePlatform(text))));
  if (more.length > 0)
    throw new BerthError("build/unsupported", `build.platforms: ${[platform, ...more].join(", ")}: an image is for one platform here`);
  if (definition.privileged) throw new BerthError("build/unsupported", "build.privileged is not supported");
  if (definition.entitlements?.includes("security.insecure"))
    throw new BerthError("build/unsupported", "build.entitlements: security.insecure is not supported");
  const remote = /^(https?:\/\/|git:\/\/|git@|ssh:\/\/|github\.com\/)/.test(definition.context);
  const contexts = Object.entries(definition.additional_contexts ?? {}).map(([name, value]): [string, string] => [
    name,
    value.startsWith("service:") ? `docker-image://${o.serviceImage(value.slice("service:".length))}` : value,
  ]);
  const hosts = Object.entries(definition.extra_hosts ?? {}).flatMap(([name, addresses]) =>
    addresses.map((address) => `${name}=${address}`),
  );
  const request: BuildRequest = {
    name: o.name,
    args: definition.args ?? {},
    tags: [...o.tags, ...(definition.tags ?? [])],
    additionalContexts: Object.fromEntries(contexts),
    extraHosts: hosts,
  };
  if (remote) request.remote = definition.context;
  else request.contextDir = definition.context;
  if (definition.dockerfile !== undefined) request.dockerfile = definition.dockerfile;
  if (definition.dockerfile_inline !== undefined) request.dockerfileInline = definition.dockerfile_inline;
  if (definition.target !== undefined) request.target = definition.target;
  if (definition.cache_from) request.cacheFrom = definition.cache_from.map((text) => parseCacheEntry(text, "import", o.directory));
  if (definition.cache_to) request.cacheTo = definition.cache_to.map((text) => parseCacheEntry(text, "export", o.directory));
  if (definition.labels) request.labels = definition.labels;
  if (definition.no_cache !== undefined) request.noCache = definition.no_cache;
  if (definition.no_cache_filter) request.noCacheFilter = definition.no_cache_filter;
  if (definition.pull !== undefined) request.pull = definition.pull;
  if (platform !== undefined) request.platform = platform;
  if (definition.entitlements) request.entitlements = [...definition.entitlements];
  if (definition.network !== undefined) request.network = definition.network;
  if (definition.shm_size !== undefined) request.shmSize = definition.shm_size;
  if (definition.ulimits)
    request.ulimits = Object.entries(definition.ulimits).map(([Name, { soft, hard }]) => ({ Name, Soft: soft, Hard: hard }));
  if (definition.secrets)
    request.secrets = definition.secrets.map((secret) => ({ id: secret.target ?? secret.source, value: o.secretValue(secret.source) }));
  if (definition.ssh) {
    request.ssh = definition.ssh.map((text) => {
      const [id = "default", path] = text.split("=", 2);
      return { id, paths: path ? path.split(",") : [] };
    });
  }
  return request;
}
