import { layoutContent, type OpenCache } from "../../build/index.ts";
import { type ImageStore, parseReference, readRegistrySettings, registryContent } from "../../image/index.ts";
import { BerthError } from "../../system/index.ts";
import type { AuthOf } from "./build-images.ts";

/** How a build's caches are reached: registries with the credentials of its client, directories of this machine. */
export function openBuildCache(images: ImageStore, authOf: AuthOf): OpenCache {
  return async ({ type, attrs }, { purpose, signal }) => {
    if (type === "local") {
      const { tag, digest } = attrs;
      const directory = purpose === "import" ? attrs["src"] : attrs["dest"];
      return layoutContent(directory ?? "", { ...(tag ? { tag } : {}), ...(digest ? { digest } : {}), signal });
    }
    if (type !== "registry") throw new BerthError("build/unsupported", `the cache type ${type} is not supported`);
    const ref = attrs["ref"] ?? "";
    const { domain } = parseReference(ref);
    const auth = await authOf(domain);
    const insecure = ["true", "1"].includes(attrs["registry.insecure"] ?? "");
    const settings = readRegistrySettings(process.env);
    return registryContent(images, ref, {
      write: purpose === "export",
      ...(auth ? { auth } : {}),
      ...(insecure ? { settings: { ...settings, insecureRegistries: [...(settings.insecureRegistries ?? []), domain] } } : {}),
      signal,
    });
  };
}
