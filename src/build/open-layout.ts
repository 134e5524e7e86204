import type { CacheContent } from "./remote-cache/cache-content.ts";
import { layoutContent } from "./remote-cache/layout-content.ts";

/** Where an `oci-layout://` context lies. `source`: what follows the scheme. */
export type OpenLayout = (source: string, o: { signal: AbortSignal }) => Promise<CacheContent>;

/** A layout on this machine: `DIRECTORY[:TAG][@DIGEST]` (image-spec image-layout.md). */
export const openDirectoryLayout: OpenLayout = async (source, { signal }) => {
  const [, directory = "", tag, digest] = /^(.*?)(?::([\w][\w.-]*))?(?:@(sha256:[0-9a-f]{64}))?$/s.exec(source) ?? [];
  return layoutContent(directory, { ...(tag ? { tag } : {}), ...(digest ? { digest } : {}), signal });
};
