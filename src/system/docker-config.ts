import { mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { writeFileAtomic } from "./atomic-file.ts";
import { BerthError, errnoOf, messageOf } from "./error.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Where Docker's clients keep what is a user's own: `$DOCKER_CONFIG`, or `~/.docker`. */
export function dockerConfigDirectory(env: Env): string {
  return env["DOCKER_CONFIG"] || join(env["HOME"] || homedir(), ".docker");
}

export function dockerConfigFile(env: Env): string {
  return join(dockerConfigDirectory(env), "config.json");
}

/** `config.json`, or nothing where there is none; the caller names the keys it knows, wrong ones read as absent. */
export function readDockerConfig<T extends object>(env: Env): Partial<T> {
  const path = dockerConfigFile(env);
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Partial<T>; // Docker's own file
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return {};
    throw new BerthError("image/registry", `cannot read the credentials in ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** Replaces `config.json`; the caller keeps the keys that it did not come for. */
export function writeDockerConfig(env: Env, config: object): void {
  const path = dockerConfigFile(env);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileAtomic(path, JSON.stringify(config, undefined, "\t"), { mode: 0o600 });
}
