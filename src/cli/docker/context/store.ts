import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../../system/atomic-file.ts";
import { dockerConfigDirectory } from "../../../system/docker-config.ts";
import { errnoOf, messageOf } from "../../../system/error.ts";
import type { CliContext } from "../../context.ts";
import { DockerExit } from "../usage-error.ts";

export interface DockerEndpoint {
  readonly Host?: string;
  readonly SkipTLSVerify: boolean;
}

/** What `meta.json` of a context holds. */
export interface ContextFile {
  readonly Name: string;
  readonly Metadata?: { readonly Description?: string };
  readonly Endpoints?: { readonly docker?: DockerEndpoint };
}

/** The files of an endpoint by name: ca.pem, cert.pem, key.pem. */
export type TlsFiles = Readonly<Record<string, Buffer>>;

type Env = CliContext["env"];

/**
 * The contexts as Docker's client keeps them, so that both see the same ones: `contexts/meta/SHA256(name)/meta.json`, and the keys of an endpoint
 * below `contexts/tls/SHA256(name)/docker/` (docker/cli, cli/context/store). "default" is in no file.
 */
export function contextNames(env: Env): string[] {
  const meta = join(dockerConfigDirectory(env), "contexts", "meta");
  if (!existsSync(meta)) return [];
  return readdirSync(meta)
    .flatMap((id) => (existsSync(join(meta, id, "meta.json")) ? [parsed(join(meta, id, "meta.json")).Name] : []))
    .sort();
}

/** @throws DockerExit where there is none of that name */
export function readContext(env: Env, name: string): ContextFile {
  const file = join(contextPaths(env, name).meta, "meta.json");
  if (!existsSync(file)) throw new DockerExit(1, notFound(env, name));
  return parsed(file);
}

export function notFound(env: Env, name: string): string {
  return `context ${JSON.stringify(name)}: context not found: open ${contextPaths(env, name).meta}/meta.json: no such file or directory`;
}

export const hasContext = (env: Env, name: string): boolean => existsSync(join(contextPaths(env, name).meta, "meta.json"));

export function writeContext(env: Env, context: ContextFile): void {
  const { meta } = contextPaths(env, context.Name);
  mkdirSync(meta, { recursive: true, mode: 0o755 });
  writeFileAtomic(join(meta, "meta.json"), JSON.stringify(context), { mode: 0o644 });
}

export function removeContext(env: Env, name: string): void {
  for (const path of Object.values(contextPaths(env, name))) rmSync(path, { recursive: true, force: true });
}

export function tlsFiles(env: Env, name: string): TlsFiles {
  const path = join(contextPaths(env, name).tls, "docker");
  if (!existsSync(path)) return {};
  return Object.fromEntries(
    readdirSync(path)
      .sort()
      .map((file) => [file, readFileSync(join(path, file))]),
  );
}

export function writeTlsFiles(env: Env, name: string, files: TlsFiles): void {
  const { tls } = contextPaths(env, name);
  rmSync(tls, { recursive: true, force: true });
  if (Object.keys(files).length === 0) return;
  mkdirSync(join(tls, "docker"), { recursive: true, mode: 0o700 });
  for (const [file, content] of Object.entries(files)) writeFileSync(join(tls, "docker", file), content, { mode: 0o600 });
}

export function contextPaths(env: Env, name: string): { readonly meta: string; readonly tls: string } {
  const id = createHash("sha256").update(name).digest("hex");
  const contexts = join(dockerConfigDirectory(env), "contexts");
  return { meta: join(contexts, "meta", id), tls: join(contexts, "tls", id) };
}

/** @throws DockerExit for a name that no context can have, and for "default" */
export function checkNewName(name: string): void {
  if (name === "default") throw new DockerExit(1, '"default" is a reserved context name');
  checkName(name);
}

export function checkName(name: string): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/.test(name))
    throw new DockerExit(
      1,
      `context name ${JSON.stringify(name)} is invalid, names are validated against regexp "^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"`,
    );
}

/** A file that the user named, or why it cannot be read, in Go's words. */
export function readNamed(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw new DockerExit(1, `open ${path}: no such file or directory`);
    throw new DockerExit(1, `open ${path}: ${messageOf(error)}`);
  }
}

function parsed(file: string): ContextFile {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ContextFile; // Docker's own file; wrong parts read as absent
  } catch (error) {
    throw new DockerExit(1, `${file}: ${messageOf(error)}`);
  }
}
