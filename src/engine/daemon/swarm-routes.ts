import { BerthError } from "../../system/index.ts";
import { type Call, type Route, route, sendJson } from "../http/http.ts";

const notManager =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';

/** What an engine outside a swarm, without plugins and without experiments answers. */
export function swarmRoutes(): Route[] {
  const unavailable = () => {
    throw new BerthError("api/unavailable", notManager);
  };
  const kinds = ["nodes", "services", "tasks", "secrets", "configs"];
  const noPlugin = (call: Call) => {
    throw new BerthError("api/not-found", `plugin "${decodeURIComponent(call.params[0] ?? "")}" not found`);
  };
  return [
    route("GET", "/swarm", unavailable),
    route("GET", "/swarm/unlockkey", unavailable),
    route("POST", "/swarm/update", unavailable),
    route("POST", "/swarm/unlock", unavailable),
    route("POST", "/swarm/leave", () => {
      throw new BerthError("api/unavailable", "This node is not part of a swarm");
    }),
    ...["init", "join"].map((act) =>
      route("POST", `/swarm/${act}`, () => {
        throw new BerthError("api/not-implemented", "swarm mode is not supported: this engine runs on one machine");
      }),
    ),
    ...kinds.flatMap((kind) => [
      route("GET", `/${kind}`, unavailable),
      route("POST", `/${kind}/create`, unavailable),
      route("GET", `/${kind}/{id}`, unavailable),
      route("GET", `/${kind}/{id}/logs`, unavailable),
      route("DELETE", `/${kind}/{id}`, unavailable),
      route("POST", `/${kind}/{id}/update`, unavailable),
    ]),
    route("GET", "/plugins", ({ response }) => sendJson(response, 200, [])),
    route("GET", "/plugins/{name*}/json", noPlugin),
    ...["enable", "disable", "set", "upgrade", "push"].map((act) => route("POST", `/plugins/{name*}/${act}`, noPlugin)),
    route("DELETE", "/plugins/{name*}", noPlugin),
    // As an engine answers that cannot reach the plugin's registry: installing asks this first, and it is the installing that is refused.
    route("GET", "/plugins/privileges", ({ response }) => sendJson(response, 200, [])),
    ...[route("POST", "/plugins/pull", refusePlugins), route("POST", "/plugins/create", refusePlugins)],
    ...["GET", "POST"].map((method) => route(method, "/containers/{id}/checkpoints", refuseCheckpoints)),
    route("DELETE", "/containers/{id}/checkpoints/{name}", refuseCheckpoints),
  ];
}

function refusePlugins(): never {
  throw new BerthError("api/not-implemented", "plugins are not supported");
}

function refuseCheckpoints(): never {
  throw new BerthError(
    "api/not-implemented",
    "This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.",
    { hint: "Berth has no checkpoints." },
  );
}
