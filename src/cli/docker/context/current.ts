import { basename } from "node:path";
import { readDockerConfig, writeDockerConfig } from "../../../system/docker-config.ts";
import type { CliContext } from "../../context.ts";
import type { Flags } from "../flags.ts";
import { DockerExit } from "../usage-error.ts";
import { type ContextFile, hasContext, notFound, readContext, tlsFiles } from "./store.ts";

/** Whether we were called by Docker's own name: only then DOCKER_HOST, DOCKER_CONTEXT and `context use` say where the engine is. */
export const calledDocker = (): boolean => basename(process.argv[1] ?? "") === "docker";

/** The context that counts: --context, then (called `docker`) what the environment says, then what `context use` stored. */
export function currentContextName(env: CliContext["env"], globals: Flags): string {
  const named = globals.text("context");
  if (named) return named;
  if (globals.given("host") || !calledDocker() || env["DOCKER_HOST"]) return "default";
  return env["DOCKER_CONTEXT"] || readDockerConfig<{ currentContext: string }>(env).currentContext || "default";
}

/** What "default" stands for: -H, DOCKER_HOST where we are called `docker`, or the engine of this user. */
function defaultHost({ env, paths }: Pick<CliContext, "env" | "paths">, globals: Flags): string {
  return globals.list("host").at(-1) || (calledDocker() ? env["DOCKER_HOST"] : undefined) || `unix://${paths.socket}`;
}

/**
 * The address of the engine that a command is for.
 * @throws DockerExit where the context is not there, has no endpoint, or needs what we do not speak
 */
export function chosenHost(context: Pick<CliContext, "env" | "paths">, globals: Flags): string {
  const name = currentContextName(context.env, globals);
  if (name === "default") return defaultHost(context, globals);
  if (!hasContext(context.env, name))
    throw new DockerExit(1, `Failed to initialize: unable to resolve docker endpoint: ${notFound(context.env, name)}`);
  const host = readContext(context.env, name).Endpoints?.docker?.Host;
  if (!host) throw new DockerExit(1, "Failed to initialize: unable to resolve docker endpoint: cannot find docker endpoint in context");
  if (Object.keys(tlsFiles(context.env, name)).length > 0)
    throw new DockerExit(1, `unable to connect to ${host}: only unix:// sockets are supported`);
  return host;
}

/** The default context as an object like the stored ones. */
export function defaultContext(context: Pick<CliContext, "env" | "paths">, globals: Flags): ContextFile {
  return { Name: "default", Metadata: {}, Endpoints: { docker: { Host: defaultHost(context, globals), SkipTLSVerify: false } } };
}

/** What the default context is about. */
export const defaultAbout = (): string => (calledDocker() ? "Current DOCKER_HOST based configuration" : "The engine of this machine");

/** Makes a context the one that counts from now on; "default" needs no entry. */
export function storeCurrentContext(env: CliContext["env"], name: string): void {
  const { currentContext: _, ...config } = readDockerConfig<{ auths: object; currentContext: string }>(env);
  writeDockerConfig(env, { auths: {}, ...config, ...(name === "default" ? {} : { currentContext: name }) });
}
