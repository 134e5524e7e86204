import { RegistryClient } from "./registry-client.ts";
import type { RegistryAuth, RegistrySettings } from "./registry-options.ts";

/**
 * Asks a registry whether it takes these credentials. Answers the identity token that it gives in exchange, if it gives one.
 * Without credentials it is asked whether it lets everybody in. @throws BerthError `image/registry`, `image/unauthorized`
 */
export async function checkLogin(
  server: string,
  auth: RegistryAuth | undefined,
  o: { settings?: RegistrySettings; signal: AbortSignal },
): Promise<{ identityToken?: string }> {
  const host = server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  const domain = ["", "index.docker.io", "registry-1.docker.io"].includes(host) ? "docker.io" : host;
  const client = new RegistryClient({ domain, auth: auth ?? {}, ...o });
  try {
    return await client.login();
  } finally {
    await client.close();
  }
}
