import { BerthError } from "../system/index.ts";
import { RegistryClient } from "./registry-client.ts";
import type { RegistryAuth, RegistrySettings } from "./registry-options.ts";

/**
 * Asks a registry whether it takes these credentials. Answers the identity token that it gives in exchange, if it gives one.
 * @throws BerthError `image/registry`, `api/bad-parameter` where there are no credentials
 */
export async function checkLogin(
  server: string,
  auth: RegistryAuth | undefined,
  o: { settings?: RegistrySettings; signal: AbortSignal },
): Promise<{ identityToken?: string }> {
  if (!auth) throw new BerthError("api/bad-parameter", "no credentials to log in with");
  const host = server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  const domain = ["", "index.docker.io", "registry-1.docker.io"].includes(host) ? "docker.io" : host;
  const client = new RegistryClient({ domain, auth, ...o });
  try {
    return await client.login();
  } finally {
    await client.close();
  }
}
