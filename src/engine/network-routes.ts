import type { EndpointSettings, Network, NetworkCreateBody } from "../api/index.ts";
import type { Networks } from "../network/index.ts";
import { BerthError, messageOf } from "../system/index.ts";
import type { Containers } from "./containers.ts";
import type { EventBus } from "./event-bus.ts";
import { type Call, filters, jsonBody, labelsMatch, pruneMatches, type Route, route, sendEmpty, sendJson } from "./http.ts";

const known = ["driver", "type", "name", "id", "label", "scope", "dangling"];

/** /networks/... */
export function networkRoutes({ networks, containers, events }: { networks: Networks; containers: Containers; events: EventBus }): Route[] {
  const ref = (call: Call) => decodeURIComponent(call.params[0] ?? "");
  const shown = (network: Network): Network => ({ ...network, Containers: networks.containersOf(network.Id) });
  const predefined = (network: Network) => ["bridge", "host", "none"].includes(network.Name);
  const emit = (network: Network, action: string) =>
    events.emit("network", action, network.Id, { name: network.Name, type: network.Driver });
  const inUse = (network: Network) => containers.list().some((record) => record.NetworkSettings.Networks[network.Name]);
  return [
    route("GET", "/networks", (call) => {
      networks.find("bridge");
      const wanted = filters(call.query, known);
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
      sendJson(call.response, 200, list);
    }),
    route("POST", "/networks/create", async (call) => {
      const network = networks.create(await jsonBody<NetworkCreateBody>(call.request));
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
      await containers.connect(body.Container ?? "", ref(call), body.EndpointConfig ?? {});
      sendEmpty(call.response, 200);
    }),
    route("POST", "/networks/{id}/disconnect", async (call) => {
      const body = await jsonBody<{ Container?: string; Force?: boolean }>(call.request);
      try {
        await containers.disconnect(body.Container ?? "", ref(call));
      } catch (error) {
        if (!body.Force) throw error instanceof BerthError ? error : new BerthError("system/internal", messageOf(error));
      }
      sendEmpty(call.response, 200);
    }),
  ];
}
