import { BerthError } from "../system/index.ts";
import { mediaTypes, type Platform, parseConfig, parseJson } from "./manifest.ts";
import { canonicalName, familiarName, parseReference } from "./reference.ts";
import { RegistryClient } from "./registry-client.ts";
import type { RegistryAuth, RegistrySettings } from "./registry-options.ts";
import { fetchManifest } from "./registry-pull.ts";

/** What a registry has under a name, without fetching the image: GET /distribution/{name}/json. */
export interface RemoteImage {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platforms: readonly Platform[];
}

/** @throws BerthError `image/registry`, `image/not-found`, `image/unsupported` */
export async function inspectRemote(
  ref: string,
  o: { auth?: RegistryAuth; settings?: RegistrySettings; signal: AbortSignal },
): Promise<RemoteImage> {
  const reference = parseReference(ref);
  const { repository } = reference;
  const client = new RegistryClient({
    domain: reference.domain,
    signal: o.signal,
    ...(o.auth ? { auth: o.auth } : {}),
    ...(o.settings ? { settings: o.settings } : {}),
  });
  try {
    const { bytes, digest, parsed } = await fetchManifest(client, repository, reference.digest ?? reference.tag ?? "latest");
    const said = parseJson(bytes, "the manifest")["mediaType"];
    const mediaType = typeof said === "string" ? said : parsed.kind === "index" ? mediaTypes.ociIndex : mediaTypes.ociManifest;
    const found = { mediaType, digest, size: bytes.length };
    if (parsed.kind === "index") return { ...found, platforms: parsed.manifests.flatMap((manifest) => manifest.platform ?? []) };
    const response = await client.request({
      method: "GET",
      path: `${repository}/blobs/${parsed.config.digest}`,
      accept: [200],
      scope: `repository:${repository}:pull`,
    });
    const config = parseConfig(
      Buffer.from(await response.body.arrayBuffer()),
      `the configuration of ${familiarName(canonicalName(reference))}`,
    );
    const { os, architecture, variant } = config;
    if (!os || !architecture) throw new BerthError("image/bad-archive", `the configuration of ${ref} names no platform`);
    return { ...found, platforms: [{ os, architecture, ...(variant ? { variant } : {}) }] };
  } finally {
    await client.close();
  }
}
