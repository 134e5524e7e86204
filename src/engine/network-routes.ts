import type { EndpointSettings, Network, NetworkCreateBody } from "../api/index.ts";
import type { Networks } from "../network/index.ts";
import { BerthError } from "../system/index.ts";
import type { Containers } from "./containers.ts";
import type { EventBus } from "./event-bus.ts";
import { type Call, filters, jsonBody, labelsMatch, pruneMatches, type Route, route, sendEmpty, sendJson } from "./http.ts";

const known = ["driver", "type", "name", "id", "label", "scope", "dangling"];

/** /networks/... */
export function networkRoutes({ networks, containers, events }: { networks: Networks; containers: Containers; events: EventBus }): Route[] {
  const ref = (call: Call) => decodeURIComponent(call.params[0] ?? "");
  const shown = (network: Network): Network => ({ ...network, Containers: networks.containersOf(network.Id) });
  // A list tells who is on a network only to clients from before 1.28.
  const listed = (network: Network, version: number): Network => (version < 1.28 ? shown(network) : { ...network, Containers: {} });
  const predefined = (network: Network) => ["bridge", "host", "none"].includes(network.Name);
  const emit = (network: Network, action: string) =>
    events.emit("network", action, network.Id, { name: network.Name, type: network.Driver });
  const inUse = (network: Network) => containers.list().some((record) => record.NetworkSettings.Networks[network.Name]);
  return [
    route("GET", "/networks", (call) => {
      networks.find("bridge");
      const wanted = filters(call.query, known);
      checkFilters(wanted);
      const any = (key: string, test: (value: string) => boolean) => !wanted.has(key) || (wanted.get(key) ?? []).some(test);
      const list = networks
        .list()
        .filter(
          (network) =>
            any("driver", (value) => network.Driver === value) &&
            any("type", (value) => (value === "builtin") === predefined(network)) &&
            any("name", (value) => new RegExp(value).test(network.Name)) &&
            any("id", (value) => network.Id.startsWith(value)) &&
            any("scope", (value) => network.Scope === value) &&
            any("dangling", (value) => (value === "true" || value === "1") === (!predefined(network) && !inUse(network))) &&
            labelsMatch(wanted.get("label"), network.Labels),
        );
      sendJson(
        call.response,
        200,
        list.map((network) => listed(network, call.version)),
      );
    }),
    route("POST", "/networks/create", async (call) => {
      const network = networks.create(checkedBody(await jsonBody<NetworkCreateBody>(call.request)));
      emit(network, "create");
      sendJson(call.response, 201, { Id: network.Id, Warning: "" });
    }),
    route("POST", "/networks/prune", async (call) => {
      const wanted = filters(call.query, ["label", "label!", "until"]);
      const gone: string[] = [];
      for (const network of networks
        .list()
        .filter(
          (candidate) =>
            !predefined(candidate) &&
            !inUse(candidate) &&
            pruneMatches(wanted, { labels: candidate.Labels, createdIso: candidate.Created }),
        )) {
        emit(await networks.remove(network.Id), "destroy");
        gone.push(network.Name);
      }
      events.emit("network", "prune", "", { reclaimed: "0" });
      sendJson(call.response, 200, { NetworksDeleted: gone.length ? gone : null });
    }),
    route("GET", "/networks/{id}", (call) => sendJson(call.response, 200, shown(networks.get(ref(call))))),
    route("DELETE", "/networks/{id}", async (call) => {
      emit(await networks.remove(ref(call)), "destroy");
      sendEmpty(call.response, 204);
    }),
    route("POST", "/networks/{id}/connect", async (call) => {
      const body = await jsonBody<{ Container?: string; EndpointConfig?: EndpointSettings | null }>(call.request);
      checkConnectable(networks.get(ref(call)));
      await containers.connect(body.Container ?? "", ref(call), body.EndpointConfig ?? {});
      sendEmpty(call.response, 200);
    }),
    route("POST", "/networks/{id}/disconnect", async (call) => {
      const body = await jsonBody<{ Container?: string; Force?: boolean }>(call.request);
      // By force, too, there has to be something to disconnect.
      if (body.Force && networks.find(ref(call)) && !containers.find(body.Container ?? ""))
        throw new BerthError("container/not-found", `endpoint ${body.Container} not found`);
      await containers.disconnect(body.Container ?? "", ref(call));
      sendEmpty(call.response, 200);
    }),
  ];
}

function checkFilters(wanted: ReadonlyMap<string, readonly string[]>): void {
  for (const value of wanted.get("type") ?? [])
    if (value !== "custom" && value !== "builtin") throw new BerthError("api/bad-parameter", `invalid filter: 'type'='${value}'`);
  for (const value of wanted.get("dangling") ?? [])
    if (!["true", "false", "1", "0"].includes(value))
      throw new BerthError("api/bad-parameter", `invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`);
}

/** @throws BerthError api/bad-parameter, network/forbidden */
function checkedBody(body: NetworkCreateBody): NetworkCreateBody {
  if (body.Name !== undefined && typeof body.Name !== "string")
    throw new BerthError(
      "api/bad-parameter",
      "invalid JSON: json: cannot unmarshal into Go struct field CreateRequest.Name of type string",
    );
  if (!body.Name?.trim()) throw new BerthError("api/bad-parameter", "invalid name: name is empty");
  if (body.Scope && body.Scope !== "local")
    throw new BerthError("network/forbidden", `cannot create a ${body.Scope} scoped network when swarm is not active`);
  if (body.Driver === "host" || body.Driver === "null")
    throw new BerthError("network/forbidden", `only one instance of "${body.Driver}" network is allowed`);
  if (body.Ingress && body.Driver !== "overlay")
    throw new BerthError("network/forbidden", "Ingress network can only be global scope network");
  if (body.Driver === "overlay")
    throw new BerthError(
      "network/forbidden",
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    );
  return body;
}

function checkConnectable(network: Network): void {
  if (network.Name === "host")
    throw new BerthError("api/bad-parameter", "cannot connect container to host network - container must be created in host network mode");
  if (network.Name === "none")
    throw new BerthError(
      "api/bad-parameter",
      "container cannot be connected to multiple networks with one of the networks in private (none) mode",
    );
}
