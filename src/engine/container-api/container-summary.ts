import { type Container, type EndpointSettings, humanDuration } from "../../api/index.ts";
import type { EngineImage } from "../ports.ts";
import { shownNetworks } from "./container-view.ts";

/** One row of GET /containers/json. A container that was made of no image is none's. */
export function containerSummary(record: Container, imageOf: (id: string) => EngineImage | undefined, version: number) {
  const image = record.Image ? imageOf(record.Image) : undefined;
  const ports = Object.entries(record.NetworkSettings.Ports ?? {}).flatMap(([key, bindings]) => {
    const [port, type = "tcp"] = key.split("/");
    return bindings?.length
      ? bindings.map((binding) => ({ IP: binding.HostIp, PrivatePort: Number(port), PublicPort: Number(binding.HostPort), Type: type }))
      : [{ PrivatePort: Number(port), Type: type }];
  });
  const annotations = record.HostConfig.Annotations;
  return {
    Id: record.Id,
    Names: [record.Name],
    Image: image || !record.Image ? record.Config.Image : record.Image,
    ImageID: record.Image,
    Command: [record.Path, ...record.Args.map((arg) => (arg.includes(" ") ? `'${arg}'` : arg))].join(" "),
    Created: Math.floor(Date.parse(record.Created) / 1000),
    Ports: record.State.Running ? ports : [],
    Labels: record.Config.Labels ?? {},
    State: record.State.Status,
    Status: statusText(record, Date.now()),
    HostConfig: {
      NetworkMode: record.HostConfig.NetworkMode,
      ...(version >= 1.46 && annotations && Object.keys(annotations).length > 0 ? { Annotations: annotations } : {}), // came with 1.46
    },
    NetworkSettings: { Networks: withoutNames(shownNetworks(record)) },
    Mounts: record.Mounts,
  };
}

/** A list does not tell by which names a container is found. */
function withoutNames(networks: Readonly<Record<string, EndpointSettings>>) {
  return Object.fromEntries(Object.entries(networks).map(([name, endpoint]) => [name, { ...endpoint, Aliases: null, DNSNames: null }]));
}

/** "Up 3 seconds (health: starting)", "Exited (3) 2 minutes ago". */
export function statusText({ State: state }: Container, nowMs: number): string {
  switch (state.Status) {
    case "running": {
      const health =
        state.Health && state.Health.Status !== "none"
          ? ` (${state.Health.Status === "starting" ? "health: starting" : state.Health.Status})`
          : "";
      return `Up ${humanDuration(nowMs - Date.parse(state.StartedAt))}${health}`;
    }
    case "paused":
      return `Up ${humanDuration(nowMs - Date.parse(state.StartedAt))} (Paused)`;
    case "restarting":
      return `Restarting (${state.ExitCode}) ${humanDuration(nowMs - Date.parse(state.FinishedAt))} ago`;
    case "exited":
      return `Exited (${state.ExitCode}) ${humanDuration(nowMs - Date.parse(state.FinishedAt))} ago`;
    case "created":
      return "Created";
    case "dead":
      return "Dead";
    case "removing":
      return "Removal In Progress";
    default:
      return state.Status satisfies never;
  }
}
