import { dockerConfigFile, readDockerConfig, writeDockerConfig } from "./docker-config.ts";
import { BerthError } from "./error.ts";
import { run } from "./run.ts";

/** Credentials for one registry; `identityToken` replaces name and password. */
export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly identityToken?: string;
  readonly registryToken?: string;
}

type Env = Readonly<Record<string, string | undefined>>;

interface AuthEntry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/** `~/.docker/config.json`, as far as it is about credentials; other keys are kept as they are. */
interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

/** The key under which Docker keeps the credentials of Docker Hub. */
const hubKey = "https://index.docker.io/v1/";

/** The names under which credentials of a registry may stand; the first is the one that is written. */
export function credentialKeys(registry: string): readonly [string, ...string[]] {
  const host = registry.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  return ["", "docker.io", "index.docker.io", "registry-1.docker.io"].includes(host) ? [hubKey, "index.docker.io", "docker.io"] : [host];
}

/**
 * What `docker login` stored for a registry: from its credential helper, the default store, or the file itself. Undefined: nothing, so the
 * request is anonymous. Spawns at most one helper.
 */
export async function storedCredentials(registry: string, o: { env: Env; signal: AbortSignal }): Promise<RegistryAuth | undefined> {
  const config = readDockerConfig<DockerConfig>(o.env);
  const keys = credentialKeys(registry);
  const helper = helperOf(config, keys);
  if (helper) {
    const found = await askHelper(helper, keys[0], o);
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

/** The registries that have credentials, by the keys under which they stand. */
export function registriesWithCredentials(env: Env): string[] {
  const config = readDockerConfig<DockerConfig>(env);
  return [...new Set([...Object.keys(config.auths ?? {}), ...Object.keys(config.credHelpers ?? {})])];
}

/** Keeps credentials as `docker login` does; answers the file where they now stand in clear text, if they do. */
export async function storeCredentials(
  registry: string,
  auth: { username: string; password: string; identityToken?: string },
  o: { env: Env; signal: AbortSignal },
): Promise<string | undefined> {
  const config = readDockerConfig<DockerConfig>(o.env);
  const keys = credentialKeys(registry);
  const helper = helperOf(config, keys);
  if (helper) {
    const secret = auth.identityToken
      ? { ServerURL: keys[0], Username: "<token>", Secret: auth.identityToken }
      : { ServerURL: keys[0], Username: auth.username, Secret: auth.password };
    await runHelper(helper, "store", JSON.stringify(secret), o);
    writeDockerConfig(o.env, { ...config, auths: { ...config.auths, [keys[0]]: {} } });
    return undefined;
  }
  const text = Buffer.from(`${auth.username}:${auth.identityToken ? "" : auth.password}`).toString("base64");
  const entry = { auth: text, ...(auth.identityToken ? { identitytoken: auth.identityToken } : {}) };
  writeDockerConfig(o.env, { ...config, auths: { ...config.auths, [keys[0]]: entry } });
  return dockerConfigFile(o.env);
}

/** Forgets a registry; false where nothing was stored. */
export async function eraseCredentials(registry: string, o: { env: Env; signal: AbortSignal }): Promise<boolean> {
  const config = readDockerConfig<DockerConfig>(o.env);
  const keys = credentialKeys(registry);
  const helper = helperOf(config, keys);
  const written = keys.filter((key) => config.auths?.[key] !== undefined);
  const stored = helper ? (await askHelper(helper, keys[0], o)) !== undefined : false;
  if (helper && stored) await runHelper(helper, "erase", keys[0], o);
  if (written.length > 0) {
    const auths = Object.fromEntries(Object.entries(config.auths ?? {}).filter(([key]) => !written.includes(key)));
    writeDockerConfig(o.env, { ...config, auths });
  }
  return stored || written.length > 0;
}

function helperOf(config: DockerConfig, keys: readonly string[]): string | undefined {
  return keys.map((key) => config.credHelpers?.[key]).find((name) => name !== undefined) ?? config.credsStore;
}

/** docker-credential-NAME get: the host on standard input, {Username, Secret} out. */
async function askHelper(name: string, host: string, o: { env: Env; signal: AbortSignal }): Promise<RegistryAuth | undefined> {
  const text = await runHelper(name, "get", host, o);
  if (text === undefined) return undefined;
  const answer = JSON.parse(text) as { Username?: string; Secret?: string }; // the helper protocol
  if (!answer.Secret) return undefined;
  return answer.Username === "<token>" ? { identityToken: answer.Secret } : { username: answer.Username ?? "", password: answer.Secret };
}

/** Undefined: the helper has nothing for that host. */
async function runHelper(
  name: string,
  verb: "get" | "store" | "erase",
  input: string,
  { env, signal }: { env: Env; signal: AbortSignal },
): Promise<string | undefined> {
  if (!/^[\w.-]+$/.test(name)) throw new BerthError("image/registry", `"${name}" is not the name of a credential helper`);
  const words = Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
  const result = await run(`docker-credential-${name}`, [verb], { input, signal, timeoutMs: 30_000, env: words, accept: [0, 1] });
  if (result.exitCode === 0) return result.stdout;
  if (/credentials not found|no credentials/i.test(result.stdout + result.stderr)) return undefined;
  throw new BerthError("image/registry", `docker-credential-${name}: ${(result.stdout + result.stderr).trim()}`);
}
