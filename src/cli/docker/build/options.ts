import { readFileSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import type { BuildPost } from "../../../api/index.ts";
import { messageOf } from "../../../system/error.ts";
import type { Call } from "../command.ts";
import { resourceLimits } from "../container/update.ts";
import { DockerExit, UsageError } from "../usage-error.ts";

/** The flags of a build as what the engine is asked; contexts are in context.ts. @throws UsageError, DockerExit */
export function buildPost(call: Call, o: { shmSize?: number | undefined }): BuildPost {
  const { flags } = call;
  warnOfIgnored(call);
  const text = (name: string) => flags.text(name) || undefined;
  const platforms = flags.list("platform").flatMap((value) => value.split(","));
  if (platforms.length > 1) throw new DockerExit(1, "ERROR: multi-platform build is not supported: this engine builds for its own machine");
  const ulimits = flags.list("ulimit").map(ulimit);
  const resources = resourceLimits(flags);
  return {
    args: Object.fromEntries(flags.list("build-arg").flatMap((arg) => buildArg(arg, call))),
    labels: Object.fromEntries(flags.list("label").map((label) => pair(label))),
    tags: [...flags.list("tag")],
    noCache: flags.on("no-cache"),
    noCacheFilter: flags.list("no-cache-filter").flatMap((value) => value.split(",")),
    pull: flags.on("pull"),
    ...(flags.given("cache-from") ? { cacheFrom: [...flags.list("cache-from")] } : {}),
    ...(flags.given("cache-to") ? { cacheTo: [...flags.list("cache-to")] } : {}),
    directory: call.cwd,
    extraHosts: [...flags.list("add-host")],
    ssh: flags.list("ssh").map((value) => sshAgent(value, call)),
    secrets: flags.list("secret").map((value) => secret(value, call)),
    additionalContexts: Object.fromEntries(flags.list("build-context").map((value) => buildContextPair(value, call))),
    entitlements: [...flags.list("allow")],
    ...(ulimits.length > 0 ? { ulimits } : {}),
    ...(text("target") ? { target: text("target")! } : {}),
    ...(platforms[0] ? { platform: platforms[0] } : {}),
    ...(text("network") ? { network: text("network")! } : {}),
    ...(o.shmSize === undefined ? {} : { shmSize: o.shmSize }),
    ...(Object.keys(resources).length > 0 ? { resources } : {}),
    ...(checks(call) ? { check: true } : {}),
  };
}

/** What is accepted and changes nothing here is said, by name. */
function warnOfIgnored(call: Call): void {
  const { flags } = call;
  const warn = (text: string) => call.printError(`WARNING: ${text}`);
  for (const name of ["provenance", "sbom"])
    if (flags.given(name) && !/^(false|0|disabled=true)$/.test(flags.text(name) ?? ""))
      warn(`--${name} has no effect: no attestations are made`);
  for (const value of flags.list("attest")) if (!/disabled=true/.test(value)) warn("--attest has no effect: no attestations are made");
  if (flags.given("annotation")) warn("--annotation has no effect: use --label");
  if (flags.given("compress")) warn("--compress has no effect: the context is not sent");
  if (flags.given("security-opt")) warn('security-opt flag is deprecated. "RUN --security=insecure" should be used with BuildKit.');
  if (flags.on("squash"))
    warn(
      "experimental flag squash is removed with BuildKit. You should squash inside build using a multi-stage Dockerfile for efficiency.",
    );
  if (flags.given("isolation")) warn("isolation flag is deprecated with BuildKit.");
  if (flags.given("disable-content-trust") && !flags.on("disable-content-trust"))
    throw new UsageError("--disable-content-trust=false is not supported: images are not signed here");
  if (flags.given("cgroup-parent")) throw new UsageError("--cgroup-parent is not supported");
  if (flags.given("builder") && !["default", ""].includes(flags.text("builder") ?? ""))
    throw new DockerExit(1, `ERROR: no builder ${JSON.stringify(flags.text("builder"))} found`);
}

function checks(call: Call): boolean {
  const asked = call.flags.text("call") ?? (call.flags.on("check") ? "check" : "build");
  if (asked === "build") return false;
  if (asked === "check" || asked === "lint") return true;
  throw new UsageError(`--call=${asked} is not supported: only "check" is`);
}

/** "NAME=value", or NAME alone: the caller's own variable, or nothing. */
function buildArg(text: string, { env }: Call): [string, string][] {
  const at = text.indexOf("=");
  if (at >= 0) return [[text.slice(0, at), text.slice(at + 1)]];
  const value = env[text];
  return value === undefined ? [] : [[text, value]];
}

function pair(text: string): [string, string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** "k=v,k2=v2" as an object; a word without "=" stands under itself. */
export function fields(text: string): Record<string, string> {
  return Object.fromEntries(text.split(",").map((part) => pair(part.trim())));
}

/** `id=x,src=file`, `id=x,env=VAR`, `id=x,type=file|env`; without a source the variable or the file of that name (buildx, --secret). */
function secret(text: string, { env, cwd }: Call): { id: string; value: string } {
  const given = fields(text);
  const unknown = Object.keys(given).find((key) => !["id", "src", "source", "env", "type"].includes(key));
  if (unknown !== undefined) throw new UsageError(`unexpected key '${unknown}' in '${text}'`);
  const source = given["src"] ?? given["source"];
  const id = given["id"] ?? source ?? given["env"];
  if (!id) throw new UsageError(`invalid secret ${JSON.stringify(text)}: it has no id`);
  const variable =
    given["env"] ??
    (given["type"] === "env" || (!source && given["type"] === undefined && env[id] !== undefined) ? (source ?? id) : undefined);
  if (variable !== undefined) {
    const value = env[variable];
    if (value === undefined) throw new DockerExit(1, `ERROR: failed to get secret ${id}: the variable ${variable} is not set`);
    return { id, value: Buffer.from(value).toString("base64") };
  }
  const file = resolve(cwd, source ?? id);
  try {
    return { id, value: readFileSync(file).toString("base64") };
  } catch (error) {
    throw new DockerExit(1, `ERROR: failed to read secret ${id}: ${messageOf(error)}`);
  }
}

/** `default`, `id=socket`, `id=key,key`. */
function sshAgent(text: string, { env, cwd }: Call): { id: string; paths: string[] } {
  const [id, value] = pair(text);
  const paths = value === "" ? (env["SSH_AUTH_SOCK"] ? [env["SSH_AUTH_SOCK"]] : []) : value.split(",").map((path) => resolve(cwd, path));
  if (paths.length === 0) throw new DockerExit(1, `ERROR: invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set`);
  return { id: id || "default", paths };
}

/** Directories become absolute; images, archives and URLs stay as they are. */
function buildContextPair(text: string, { cwd }: Call): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`invalid context value: ${text}, expected key=value`);
  const value = text.slice(at + 1);
  const elsewhere = /^(docker-image:\/\/|https?:\/\/|git:\/\/|git@|ssh:\/\/|github\.com\/|target:)/.test(value);
  const layout = /^oci-layout:\/\/(.*)$/.exec(value)?.[1];
  if (layout !== undefined) return [text.slice(0, at), `oci-layout://${isAbsolute(layout) ? layout : resolve(cwd, layout)}`];
  return [text.slice(0, at), elsewhere ? value : resolve(cwd, value)];
}

function ulimit(text: string): { Name: string; Soft: number; Hard: number } {
  const match = /^(\w+)=(-?\d+)(?::(-?\d+))?$/.exec(text);
  if (!match) throw new UsageError(`invalid ulimit argument: ${text}`);
  const [, Name = "", soft, hard] = match;
  return { Name, Soft: Number(soft), Hard: Number(hard ?? soft) };
}
