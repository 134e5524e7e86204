import type { IncomingMessage } from "node:http";
import type { RegistryAuth } from "../../image/index.ts";
import { BerthError } from "../../system/index.ts";

/** Docker's AuthConfig: what X-Registry-Auth and X-Registry-Config carry. */
export interface AuthConfig {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/** The credentials of X-Registry-Auth (base64url JSON); undefined where the client does not say, {} for none, as what cannot be read is for Docker. */
export function registryAuth(request: IncomingMessage): RegistryAuth | undefined {
  const header = request.headers["x-registry-auth"];
  if (typeof header !== "string" || header === "") return undefined;
  try {
    return toAuth(decoded("X-Registry-Auth", header) as AuthConfig) ?? {}; // fields are checked below
  } catch {
    return {};
  }
}

/** Credentials by registry host, as a build gets them in X-Registry-Config. @throws BerthError api/bad-parameter */
export function registryAuths(request: IncomingMessage): (domain: string) => RegistryAuth | undefined {
  const header = request.headers["x-registry-config"];
  if (typeof header !== "string" || header === "") return () => undefined;
  const config = decoded("X-Registry-Config", header) as Record<string, AuthConfig>;
  return (domain) => {
    const keys = domain === "docker.io" ? ["https://index.docker.io/v1/", "index.docker.io", "docker.io"] : [domain, `https://${domain}`];
    const entry = keys.map((key) => config[key]).find((found) => found !== undefined);
    return entry && toAuth(entry);
  };
}

export function toAuth(config: AuthConfig): RegistryAuth | undefined {
  const text = config.auth ? Buffer.from(config.auth, "base64").toString() : "";
  const at = text.indexOf(":");
  const username = config.username || (at > 0 ? text.slice(0, at) : "");
  const password = config.password || (at > 0 ? text.slice(at + 1) : "");
  if (config.identitytoken) return { identityToken: config.identitytoken };
  if (config.registrytoken) return { registryToken: config.registrytoken };
  return username ? { username, password } : undefined;
}

function decoded(name: string, text: string): object {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    // Go's client sends null for no credentials.
    if (typeof value === "object") return value ?? {};
  } catch {
    // said below
  }
  throw new BerthError("api/bad-parameter", `${name} is not base64url-encoded JSON`);
}
