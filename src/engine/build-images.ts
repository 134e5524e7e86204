import type { PeekImage, PullImage } from "../build/index.ts";
import { type ImageStore, parseReference, pull, type RegistryAuth, remoteConfig } from "../image/index.ts";

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
