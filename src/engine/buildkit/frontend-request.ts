import { type BuildRequest, isGitUrl, nativePlatform, parsePlatform, platformText } from "../../build/index.ts";
import { BerthError, messageOf } from "../../system/index.ts";

/** The front end's attributes as a build; the parts that need the client's session are for the caller to add. */
export interface FrontendBuild {
  readonly request: BuildRequest;
  /** Names of the client's directories; `dockerfile` is undefined where the Dockerfile is in a remote context. */
  readonly locals: { readonly context: string; readonly dockerfile: string | undefined };
  /** The path of a context that the client uploads: `http://buildkit-session/...`. */
  readonly upload: string | undefined;
  /** Sessions of directories that are not in the build's own one. */
  readonly localSessions: ReadonlyMap<string, string>;
  /** Additional contexts that are results of earlier builds: name -> input. */
  readonly inputs: ReadonlyMap<string, string>;
}

/** Attributes without an effect here, as with a Docker engine that has its own image store. */
const noted =
  /^(attest:|vcs:|build-arg:BUILDKIT_INLINE_CACHE$|cache-from$|cache-imports$|frontend\.caps$|requestid$|source$|cmdline$|sharedkey:|input-metadata:|multi-platform$|build-arg:BUILDKIT_SYNTAX$)/;

/**
 * The attributes of BuildKit's `dockerfile.v0` (frontend/dockerui/config.go).
 * @throws BerthError build/unsupported for one that asks for what cannot be had here, by its name; api/bad-parameter for a bad value
 */
export function frontendBuild(attrs: Readonly<Record<string, string>>): FrontendBuild {
  const request: BuildRequest = { args: {}, labels: {}, additionalContexts: {} };
  const args: Record<string, string> = {};
  const [contexts, localSessions, inputs] = [new Map<string, string>(), new Map<string, string>(), new Map<string, string>()];
  for (const [name, value] of Object.entries(attrs)) {
    if (name.startsWith("build-arg:")) args[name.slice("build-arg:".length)] = value;
    if (noted.test(name)) continue;
    const [kind, rest] = cut(name, ":");
    if (kind === "build-arg") readBuildArg(request, rest, value);
    else if (kind === "label") request.labels = { ...request.labels, [rest]: value };
    else if (kind === "context" && rest !== "") contexts.set(rest, value);
    else if (kind === "local-sessionid") localSessions.set(rest, value);
    else readAttribute(request, name, value);
  }
  const target = platformText(request.platform ? parsePlatform(request.platform) : nativePlatform());
  for (const [name, value] of contexts) {
    // "name::linux/amd64" is the one for that platform.
    const [plain, platform] = cut(name, "::");
    if (platform !== "" && platform !== target) continue;
    if (value.startsWith("input:")) inputs.set(plain, value.slice("input:".length));
    else request.additionalContexts = { ...request.additionalContexts, [plain]: checkedContext(plain, value) };
  }
  const context = attrs[attrs["contextkey"] ?? "context"];
  const upload = context && /^https?:\/\/buildkit-session\//.test(context) ? new URL(context).pathname : undefined;
  const remote = context && !upload && (isGitUrl(context) || /^https?:\/\//.test(context)) ? context : undefined;
  if (remote !== undefined) request.remote = subdirectory(remote, attrs["contextsubdir"]);
  return {
    request: { ...request, args },
    locals: {
      context: attrs["contextkey"] ?? "context",
      dockerfile: attrs["dockerfilekey"] ?? (remote === undefined && upload === undefined ? "dockerfile" : undefined),
    },
    upload,
    localSessions,
    inputs,
  };
}

function readBuildArg(request: BuildRequest, name: string, value: string): void {
  if (name === "BUILDKIT_SANDBOX_HOSTNAME" && value) request.hostname = value;
  if (name === "BUILDKIT_CACHE_MOUNT_NS" && value) request.cacheNamespace = value;
}

function readAttribute(request: BuildRequest, name: string, value: string): void {
  switch (name) {
    case "filename":
      request.dockerfile = value;
      return;
    case "target":
      request.target = value;
      return;
    case "no-cache":
      if (value === "") request.noCache = true;
      else request.noCacheFilter = value.split(",");
      return;
    case "platform": {
      const platforms = new Set(value.split(",").filter(Boolean).map(platformIn));
      if (platforms.size > 1)
        throw new BerthError("build/unsupported", "multi-platform build is not supported: an image is for one platform here");
      for (const platform of platforms) request.platform = platform;
      return;
    }
    case "image-resolve-mode":
      request.pull = value === "pull";
      return;
    case "add-hosts":
      request.extraHosts = csv(value);
      return;
    case "force-network-mode":
      request.network = { sandbox: "default", "": "default" }[value] ?? value;
      return;
    case "hostname":
      if (value) request.hostname = value;
      return;
    case "shm-size":
      if (Number(value) > 0) request.shmSize = Number(value);
      return;
    case "cgroup-parent":
      if (value) request.cgroupParent = value;
      return;
    case "ulimit":
      request.ulimits = csv(value).map(ulimit);
      return;
    case "context":
    case "contextkey":
    case "dockerfilekey":
    case "contextsubdir":
      return; // read together
    default:
      if (value !== "")
        throw new BerthError("build/unsupported", `the build option ${name} (${value}) is not supported`, {
          hint: "Leave it out.",
        });
  }
}

function platformIn(text: string): string {
  const platform = asParameter(() => parsePlatform(text));
  if (platform.os === "linux") return platformText(platform);
  throw new BerthError("build/unsupported", `platform ${text} cannot be built here: this machine is ${platformText(nativePlatform())}`);
}

function asParameter<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new BerthError("api/bad-parameter", messageOf(error), { cause: error });
  }
}

function checkedContext(name: string, value: string): string {
  if (/^(docker-image|oci-layout|git|https?):/.test(value) || value.startsWith("git@") || value.startsWith("local:")) return value;
  throw new BerthError("build/unsupported", `the context ${name} (${value}) is of a kind that is not supported here`);
}

/** The directory of a repository, which is a part of its URL. */
function subdirectory(remote: string, directory: string | undefined): string {
  if (!directory) return remote;
  if (!isGitUrl(remote)) throw new BerthError("build/unsupported", `contextsubdir (${directory}) is supported for git contexts only`);
  return `${remote}${remote.includes("#") ? "" : "#"}:${directory}`;
}

function ulimit(text: string): { Name: string; Soft: number; Hard: number } {
  const match = /^(\w+)=(-?\d+)(?::(-?\d+))?$/.exec(text);
  if (!match) throw new BerthError("api/bad-parameter", `invalid ulimit: ${text}`);
  return { Name: match[1]!, Soft: Number(match[2]), Hard: Number(match[3] ?? match[2]) };
}

/** One record of RFC 4180. */
function csv(text: string): string[] {
  return [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)]
    .map((match) => match[1]?.replaceAll('""', '"') ?? match[2] ?? "")
    .filter((field) => field !== "");
}

function cut(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}
