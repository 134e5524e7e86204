import { type RegistryAuth, storedCredentials } from "../../../system/docker-credentials.ts";
import type { CliContext } from "../../context.ts";

/** The domain of an image name by Docker's rule: the first component, where it has a dot, a colon, an upper-case letter or is localhost. */
export function registryOf(ref: string): string {
  const slash = ref.indexOf("/");
  const first = slash < 0 ? "" : ref.slice(0, slash);
  return slash >= 0 && (/[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase()) ? first : "docker.io";
}

/** X-Registry-Auth for the registry of an image: what this user stored for it, or empty credentials. */
export async function authHeader(call: Pick<CliContext, "env" | "signal">, ref: string): Promise<Record<string, string>> {
  const auth = await storedCredentials(registryOf(ref), call);
  return { "X-Registry-Auth": encoded(auth ? wireAuth(auth) : {}) };
}

/** Docker's AuthConfig. */
export function wireAuth(auth: RegistryAuth): Record<string, string> {
  return Object.fromEntries(
    Object.entries({
      username: auth.username,
      password: auth.password,
      identitytoken: auth.identityToken,
      registrytoken: auth.registryToken,
    }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

export function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
