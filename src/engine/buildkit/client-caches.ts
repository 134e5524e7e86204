import { type BuildRequest, type CacheEntry, checkedEntry, type OpenCache } from "../../build/index.ts";
import type { RegistryAuth } from "../../image/index.ts";
import { BerthError } from "../../system/index.ts";
import { clientContent } from "./client-content.ts";
import type { ClientSession } from "./client-session.ts";
import type { ExporterEntry, SolveRequest } from "./wire.ts";

/** How registries are reached with what the client of a build is logged in with. */
export type CachesAs = (credentials: (domain: string) => Promise<RegistryAuth | undefined>) => OpenCache;

/**
 * The caches that a Solve names: those of the request, or (a client that puts its build together by gateway calls) of the front end's attributes.
 * @throws BerthError build/unsupported, api/bad-parameter
 */
export function cachesOf(
  { Cache, FrontendAttrs }: SolveRequest,
  attrs: Readonly<Record<string, string>> = FrontendAttrs,
): Pick<BuildRequest, "cacheFrom" | "cacheTo"> {
  const refs = (texts: readonly string[] = []): ExporterEntry[] =>
    texts.filter(Boolean).map((ref) => ({ Type: "registry", Attrs: { ref } }));
  const imports = [
    ...(Cache?.Imports ?? []),
    ...refs(Cache?.ImportRefsDeprecated),
    ...listed(attrs["cache-imports"]),
    ...refs(attrs["cache-from"]?.split(",")),
  ];
  const exports = [...(Cache?.Exports ?? []), ...refs([Cache?.ExportRefDeprecated ?? ""])];
  const unique = [...new Map(imports.map((entry) => [JSON.stringify([entry.Type, Object.entries(entry.Attrs).sort()]), entry])).values()];
  return { cacheFrom: unique.map((entry) => toEntry(entry, "import")), cacheTo: exports.map((entry) => toEntry(entry, "export")) };
}

/** Directories are the client's own: they are behind its session. */
export function clientCache(session: () => Promise<ClientSession>, open: OpenCache): OpenCache {
  return async (entry, o) => (entry.type === "local" ? clientContent(await session(), entry.attrs, o) : await open(entry, o));
}

function toEntry({ Type, Attrs }: ExporterEntry, purpose: "import" | "export"): CacheEntry {
  return checkedEntry({ type: Type, attrs: Attrs }, purpose);
}

/** JSON of the same entries (frontend/dockerui/config.go). */
function listed(text: string | undefined): ExporterEntry[] {
  if (!text) return [];
  try {
    const entries = JSON.parse(text) as { Type?: string; Attrs?: Record<string, string> }[]; // CacheOptionsEntry, as Go prints it
    return entries.map(({ Type = "", Attrs = {} }) => ({ Type, Attrs }));
  } catch (error) {
    throw new BerthError("api/bad-parameter", `cache-imports is not JSON: ${text}`, { cause: error });
  }
}
