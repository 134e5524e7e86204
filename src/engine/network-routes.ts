import { type EndpointSettings, goBoolFault, type Network, type NetworkCreateBody, parseGoBool } from "../api/index.ts";
import { type Networks, optionsWithoutEffect } from "../network/index.ts";
import { BerthError } from "../system/index.ts";
import { checkEndpoint } from "./container-api/endpoint-validation.ts";
import type { Containers } from "./containers/containers.ts";
import type { EventBus } from "./event-bus.ts";
import { type Shape, shaped } from "./http/body-shape.ts";
import { anyOf, filters, labelsMatch, nameIs, pruneFilter } from "./http/filters.ts";
import { type Call, type Route, route, sendEmpty, sendJson } from "./http/http.ts";
import { jsonBody } from "./http/json-body.ts";

const createShape: Shape = {
  Name: "string",
  Driver: "string",
  Scope: "string",
  Internal: "bool",
  Attachable: "bool",
  Ingress: "bool",
  ConfigOnly: "bool",
  EnableIPv4: "bool",
  EnableIPv6: "bool",
  IPAM: "object",
  Options: "texts",
  Labels: "texts",
};
const connectShape: Shape = { Container: "string", EndpointConfig: "object" };
const disconnectShape: Shape = { Container: "string", Force: "bool" };

const known = ["driver", "type", "name", "id", "label", "scope", "dangling"];

/** /networks/... */
export function networkRoutes({ networks, containers, events }: { networks: Networks; containers: Containers; events: EventBus }): Route[] {
  const ref = (call: Call) => decodeURIComponent(call.params[0] ?? "");
  const shown = (network: Network): Network => ({ ...networks.shown(network), Containers: networks.containersOf(network.Id) });
  // A list tells who is on a network only to clients from before 1.28.
  const listed = (network: Network, version: number): Network =>
    version < 1.28 ? shown(network) : { ...networks.shown(network), Containers: {} };
  const predefined = (network: Network) => ["bridge", "host", "none"].includes(network.Name);
  const emit = (network: Network, action: string) =>
    events.emit("network", action, network.Id, { name: network.Name, type: network.Driver });
  const inUse = (network: Network) => containers.list().some((record) => record.NetworkSettings.Networks[network.Name]);
  return [
    route("GET", "/networks", (call) => {
      networks.find("bridge");
      const wanted = filters(call.query, known);
      checkFilters(wanted);
      const list = networks
        .list()
        .filter(
          (network) =>
            anyOf(wanted, "driver", (value) => network.Driver === value) &&
            anyOf(wanted, "type", (value) => (value === "builtin") === predefined(network)) &&
            nameIs(wanted, "name", network.Name) &&
            anyOf(wanted, "id", (value) => network.Id.startsWith(value)) &&
            anyOf(wanted, "scope", (value) => network.Scope === value) &&
            anyOf(wanted, "dangling", (value) => (value === "true" || value === "1") === (!predefined(network) && !inUse(network))) &&
            labelsMatch(wanted.get("label"), network.Labels),
        );
      sendJson(
        call.response,
        200,
        list.map((network) => listed(network, call.version)),
      );
    }),
    route("POST", "/networks/create", async (call) => {
      const network = networks.create(
        checkedBody(shaped(await jsonBody<unknown>(call.request), createShape, { go: "network.CreateRequest", at: "CreateRequest" })),
      );
      emit(network, "create");
      const idle = optionsWithoutEffect(network);
      sendJson(call.response, 201, {
        Id: network.Id,
        Warning: idle.map((key) => `the network option ${key} has no effect here`).join("\n"),
      });
    }),
    route("POST", "/networks/prune", async (call) => {
      const wanted = filters(call.query, ["label", "label!", "until"]);
      const takes = pruneFilter(wanted);
      const gone: string[] = [];
      for (const network of networks
        .list()
        .filter(
          (candidate) => !predefined(candidate) && !inUse(candidate) && takes({ labels: candidate.Labels, createdIso: candidate.Created }),
        )) {
        emit(await networks.remove(network.Id), "destroy");
        gone.push(network.Name);
      }
      events.emit("network", "prune", "", { reclaimed: "0" });
      sendJson(call.response, 200, { NetworksDeleted: gone.length ? gone : null });
    }),
    route("GET", "/networks/{id}", ({ query, params, response }) => {
      checkVerbose(query.get("verbose") ?? "");
      const id = decodeURIComponent(params[0] ?? "");
      const network = networks.get(id);
      if (query.get("scope") && query.get("scope") !== network.Scope) throw new BerthError("network/not-found", `network ${id} not found`);
      sendJson(response, 200, shown(network));
    }),
    route("DELETE", "/networks/{id}", async (call) => {
      emit(await networks.remove(ref(call)), "destroy");
      sendEmpty(call.response, 204);
    }),
    route("POST", "/networks/{id}/connect", async (call) => {
      const body: { Container?: string; EndpointConfig?: EndpointSettings | null } = shaped(
        await jsonBody<unknown>(call.request),
        connectShape,
        {
          go: "network.ConnectOptions",
          at: "ConnectOptions",
        },
      );
      const container = containers.get(body.Container ?? "");
      checkConnectable(networks.get(ref(call)));
      checkEndpoint(networks.get(ref(call)), body.EndpointConfig ?? {});
      await containers.connect(container.Id, ref(call), body.EndpointConfig ?? {});
      sendEmpty(call.response, 200);
    }),
    route("POST", "/networks/{id}/disconnect", async (call) => {
      const body: { Container?: string; Force?: boolean } = shaped(await jsonBody<unknown>(call.request), disconnectShape, {
        go: "network.DisconnectOptions",
        at: "DisconnectOptions",
      });
      if (!body.Container) throw new BerthError("api/bad-parameter", 'invalid name or ID supplied: ""');
      // By force, too, there has to be something to disconnect.
      if (body.Force && networks.find(ref(call)) && !containers.find(body.Container ?? ""))
        throw new BerthError("container/not-found", `endpoint ${body.Container} not found`);
      await containers.disconnect(body.Container ?? "", ref(call));
      sendEmpty(call.response, 200);
    }),
  ];
}

/** Nothing is told by it outside a swarm. @throws BerthError api/bad-parameter */
function checkVerbose(text: string): void {
  if (text !== "" && parseGoBool(text) === undefined)
    throw new BerthError("api/bad-parameter", `invalid value for verbose: ${text}: ${goBoolFault(text)}`);
}

function checkFilters(wanted: ReadonlyMap<string, readonly string[]>): void {
  for (const value of wanted.get("type") ?? [])
    if (value !== "custom" && value !== "builtin") throw new BerthError("api/unreadable-value", `invalid filter: 'type'='${value}'`);
  const dangling = wanted.get("dangling") ?? [];
  if (dangling.length > 1) throw new BerthError("api/bad-parameter", 'got more than one value for filter key "dangling"');
  for (const value of dangling)
    if (!["true", "false", "1", "0"].includes(value))
      throw new BerthError("api/bad-parameter", `invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`);
}

/** @throws BerthError api/bad-parameter, network/forbidden */
function checkedBody(given: Record<string, unknown>): NetworkCreateBody {
  const body = given as unknown as NetworkCreateBody; // its fields were just checked
  if (body.IPAM?.Config && !Array.isArray(body.IPAM.Config))
    throw new BerthError(
      "api/bad-parameter",
      `invalid JSON: json: cannot unmarshal ${typeof body.IPAM.Config} into Go struct field CreateRequest.IPAM.Config of type []network.IPAMConfig`,
    );
  if (!body.Name?.trim()) throw new BerthError("api/bad-parameter", "invalid name: name is empty");
  if (body.Scope === "swarm")
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
