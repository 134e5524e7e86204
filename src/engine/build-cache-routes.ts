import type { Builder } from "../build/index.ts";
import { type Route, route, sendJson } from "./http.ts";

/** POST /build/prune: frees the build cache down to `keep-storage` (or `reserved-space`) bytes; to nothing where neither is given. */
export function buildCacheRoutes(builder: Builder): Route[] {
  return [
    route("POST", "/build/prune", ({ query, response }) => {
      const keepBytes = Number(query.get("reserved-space") ?? query.get("keep-storage") ?? 0);
      const { keys, bytes } = builder.prune({ keepBytes });
      sendJson(response, 200, { CachesDeleted: keys, SpaceReclaimed: bytes });
    }),
  ];
}
