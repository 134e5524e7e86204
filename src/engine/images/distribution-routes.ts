import { inspectRemote } from "../../image/index.ts";
import { type Route, route, sendJson } from "../http/http.ts";
import { registryAuth } from "./registry-auth.ts";

/** GET /distribution/{name}/json: what the registry has under a name. */
export function distributionRoutes(): Route[] {
  return [
    route("GET", "/distribution/{name*}/json", async ({ params, request, response, signal }) => {
      const auth = registryAuth(request);
      const { mediaType, digest, size, platforms } = await inspectRemote(decodeURIComponent(params[0] ?? ""), {
        signal,
        ...(auth ? { auth } : {}),
      });
      sendJson(response, 200, { Descriptor: { mediaType, digest, size }, Platforms: platforms });
    }),
  ];
}
