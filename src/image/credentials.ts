import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { BerthError, errnoOf, messageOf, run } from "../system/index.ts";
import type { RegistryAuth } from "./registry-options.ts";

interface DockerConfig {
  readonly auths?: Readonly<
    Record<string, { auth?: string; username?: string; password?: string; identitytoken?: string; registrytoken?: string }>
  >;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

/**
 * What `docker login` stored for a registry: from its credential helper, the default store, or `~/.docker/config.json` (DOCKER_CONFIG).
 * Undefined: nothing, so the request is anonymous. Spawns at most one helper.
 */
export async function storedCredentials(domain: string, signal: AbortSignal): Promise<RegistryAuth | undefined> {
  const config = readDockerConfig();
  const keys = domain === "docker.io" ? ["https://index.docker.io/v1/", "index.docker.io", "docker.io"] : [domain];
  const helper = keys.map((key) => config.credHelpers?.[key]).find((name) => name !== undefined) ?? config.credsStore;
  if (helper) {
    const found = await fromHelper(helper, keys[0]!, signal);
    if (found) return found;
  }
  for (const [key, entry] of Object.entries(config.auths ?? {})) {
    const host = key.replace(/^https?:\/\//, "").replace(/\/(v[12]\/?)?$/, "");
    if (!keys.includes(key) && !keys.includes(host)) continue;
    const text = entry.auth ? Buffer.from(entry.auth, "base64").toString() : "";
    const at = text.indexOf(":");
    const username = at > 0 ? text.slice(0, at) : entry.username;
    const password = at > 0 ? text.slice(at + 1).replace(/\0+$/, "") : entry.password;
    if (entry.identitytoken) return { identityToken: entry.identitytoken };
    if (entry.registrytoken) return { registryToken: entry.registrytoken };
    if (username && password !== undefined) return { username, password };
  }
  return undefined;
}

function readDockerConfig(): DockerConfig {
  const path = join(process.env["DOCKER_CONFIG"] || join(homedir(), ".docker"), "config.json");
  try {
    return JSON.parse(readFileSync(path, "utf8")) as DockerConfig; // Docker's own file; wrong parts read as absent
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return {};
    throw new BerthError("image/registry", `cannot read the credentials in ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** docker-credential-NAME get: the host on standard input, {Username, Secret} out. */
async function fromHelper(name: string, host: string, signal: AbortSignal): Promise<RegistryAuth | undefined> {
  if (!/^[\w.-]+$/.test(name)) throw new BerthError("image/registry", `"${name}" is not the name of a credential helper`);
  const result = await run(`docker-credential-${name}`, ["get"], { input: host, signal, timeoutMs: 30_000, accept: [0, 1] });
  if (result.exitCode !== 0) {
    if (/credentials not found|no credentials/i.test(result.stdout + result.stderr)) return undefined;
    throw new BerthError("image/registry", `docker-credential-${name}: ${(result.stdout + result.stderr).trim()}`);
  }
  const answer = JSON.parse(result.stdout) as { Username?: string; Secret?: string }; // the helper protocol
  if (!answer.Secret) return undefined;
  return answer.Username === "<token>" ? { identityToken: answer.Secret } : { username: answer.Username ?? "", password: answer.Secret };
}
