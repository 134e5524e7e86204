import type { BaseSource, PeekImage, PullImage } from "../../build/index.ts";
import { type ImageStore, parseReference, pull, pullLayers, type RegistryAuth, remoteConfig, remoteDigests } from "../../image/index.ts";

/** The credentials of a build's client for a registry. */
export type AuthOf = (domain: string) => RegistryAuth | undefined | Promise<RegistryAuth | undefined>;

/** How a build asks what base images are, without fetching them. */
export function buildPeek(images: ImageStore, authOf: AuthOf): PeekImage {
  return async (ref, { platform, signal }) => {
    const auth = await authOf(parseReference(ref).domain);
    return await remoteConfig(images, ref, { signal, ...(auth ? { auth } : {}), ...(platform ? { platform } : {}) });
  };
}

/** How a build fetches base images: with the credentials that its client sent, or those of this user. */
export function buildPull(images: ImageStore, authOf: AuthOf): PullImage {
  return async (ref, { platform, signal, onProgress }) => {
    const auth = await authOf(parseReference(ref).domain);
    return await pull(images, ref, {
      signal,
      ...(auth ? { auth } : {}),
      ...(platform ? { platform } : {}),
      onProgress: ({ id, current, total }) => {
        if (id !== undefined && current !== undefined && total !== undefined) onProgress({ id, current, total, done: current === total });
      },
    });
  };
}

/** The base images of a build that are the build cache's own. */
export function buildBases(images: ImageStore, authOf: (domain: string) => Promise<RegistryAuth | undefined>): BaseSource {
  const optionsOf = async (ref: string, { platform, signal }: { platform?: string; signal: AbortSignal }) => {
    const auth = await authOf(parseReference(ref).domain);
    return { signal, ...(auth ? { auth } : {}), ...(platform ? { platform } : {}) };
  };
  return {
    digests: async (ref, o) => await remoteDigests(images, ref, await optionsOf(ref, o)),
    peek: buildPeek(images, authOf),
    layers: async (ref, o) =>
      await pullLayers(images, ref, {
        ...(await optionsOf(ref, o)),
        onProgress: ({ id, current, total }) => {
          if (id !== undefined && current !== undefined && total !== undefined)
            o.onProgress({ id, current, total, done: current === total });
        },
      }),
  };
}
