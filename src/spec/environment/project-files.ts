import { existsSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { BerthError } from "../../system/error.ts";
import { isFile, readEnvFiles } from "./env-files.ts";

/** What decides which files are a project's: the flags before the command, and the caller's environment. */
export interface ProjectSelection {
  readonly cwd: string;
  /** The caller's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly files?: readonly string[] | undefined;
  readonly projectName?: string | undefined;
  readonly projectDirectory?: string | undefined;
  readonly profiles?: readonly string[] | undefined;
  readonly envFiles?: readonly string[] | undefined;
}

/** A project's files, before any of them is read. */
export interface ProjectFiles {
  /** Absolute paths, or "-". */
  readonly files: readonly string[];
  readonly directory: string;
  /** The caller's variables, and those of the environment files where the caller has none of that name. */
  readonly environment: ReadonlyMap<string, string>;
  readonly envFiles: readonly string[];
  readonly profiles: readonly string[];
  readonly warnings: readonly string[];
}

const fileNames = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"] as const;
const overrideNames = [
  "compose.override.yml",
  "compose.override.yaml",
  "docker-compose.override.yml",
  "docker-compose.override.yaml",
] as const;

/**
 * Finds the files: -f, then COMPOSE_FILE, then the first directory from the working directory upwards that has a Compose file, with its override
 * file. `.env` is that of the project's directory, unless --env-file or COMPOSE_ENV_FILES name others (compose-go, cli/options.go).
 * @throws BerthError spec/env-file, spec/no-file
 */
export function findProjectFiles(selection: ProjectSelection): ProjectFiles {
  const { cwd, env } = selection;
  const environment = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) if (value !== undefined) environment.set(name, value);
  if (!environment.has("PWD")) environment.set("PWD", cwd);
  const warnings: string[] = [];
  let envFiles: readonly string[] = [];
  const readEnv = (directory: string) => {
    envFiles = environmentFiles(selection, directory) ?? envFiles;
    for (const [name, value] of readEnvFiles(envFiles, (key) => environment.get(key)))
      if (!environment.has(name)) environment.set(name, value);
  };

  const given = (selection.files ?? []).map((file) => (file === "-" ? file : resolve(cwd, file)));
  readEnv(workingDirectory(selection, given));
  let files: readonly string[] = given;
  if (files.length === 0) files = filesOfEnvironment(environment, cwd) ?? [];
  if (files.length === 0) files = defaultFiles(workingDirectory(selection, []), warnings);
  const directory = workingDirectory(selection, files);
  readEnv(directory);
  for (const file of files) if (file !== "-" && !isFile(file) && !isReadable(file)) throw missing(file);
  return { files, directory, environment, envFiles, profiles: activeProfiles(selection, environment), warnings };
}

/** Says that nothing was found, and what Compose files are called. */
export function noComposeFile(cwd: string): BerthError {
  return new BerthError("spec/no-file", `no Compose file in ${cwd} or a directory above it`, {
    hint: `It is called ${fileNames.join(", ")}; -f names another one.`,
  });
}

function missing(file: string): BerthError {
  const isDirectory = statSync(file, { throwIfNoEntry: false })?.isDirectory();
  return new BerthError("spec/no-file", isDirectory ? "this is a directory" : "there is no such file", { place: { file } });
}

/** Pipes (`-f <(...)`) are no files, and can be read all the same. */
function isReadable(file: string): boolean {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && !stat.isDirectory();
}

function workingDirectory({ cwd, projectDirectory }: ProjectSelection, files: readonly string[]): string {
  if (projectDirectory) return resolve(cwd, projectDirectory);
  const first = files.find((file) => file !== "-");
  return first === undefined ? cwd : dirname(first);
}

/** undefined: there is none, which leaves what was found before. */
function environmentFiles({ cwd, env, envFiles }: ProjectSelection, directory: string): readonly string[] | undefined {
  const named = envFiles?.length ? envFiles : (env["COMPOSE_ENV_FILES"] ?? "").split(",").filter(Boolean);
  if (named.length > 0) return named.map((file) => resolve(cwd, file));
  const disabled = env["COMPOSE_DISABLE_ENV_FILE"];
  if (disabled !== undefined && isTrue(disabled)) return undefined;
  const file = join(directory, ".env");
  return isFile(file) ? [file] : undefined;
}

function isTrue(text: string): boolean {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(text)) return false;
  throw new BerthError("cli/usage", `COMPOSE_DISABLE_ENV_FILE is true or false, not "${text}"`);
}

function filesOfEnvironment(environment: ReadonlyMap<string, string>, cwd: string): readonly string[] | undefined {
  const listed = environment.get("COMPOSE_FILE");
  if (listed === undefined) return undefined;
  const separator = environment.get("COMPOSE_PATH_SEPARATOR") || ":";
  return listed.split(separator).map((file) => {
    if (file === "-") return file;
    const path = isAbsolute(file) ? file : resolve(cwd, file);
    if (!existsSync(path)) throw missing(path);
    return path;
  });
}

function defaultFiles(start: string, warnings: string[]): readonly string[] {
  for (let directory = start; ; directory = dirname(directory)) {
    const inIt = (names: readonly string[]) => names.map((name) => join(directory, name)).filter((file) => existsSync(file));
    const [file, ...others] = inIt(fileNames);
    if (file !== undefined) {
      if (others.length > 0) warnings.push(`there are several Compose files: ${[file, ...others].join(", ")}; the first one is used`);
      const [override, ...more] = inIt(overrideNames);
      if (more.length > 0) warnings.push(`there are several override files: ${[override, ...more].join(", ")}; the first one is used`);
      return override === undefined ? [file] : [file, override];
    }
    if (dirname(directory) === directory) return [];
  }
}

function activeProfiles({ profiles }: ProjectSelection, environment: ReadonlyMap<string, string>): readonly string[] {
  if (profiles?.length) return profiles;
  return (environment.get("COMPOSE_PROFILES") ?? "")
    .split(",")
    .map((profile) => profile.trim())
    .filter(Boolean);
}
