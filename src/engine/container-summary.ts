import type { Container } from "../api/index.ts";
import { shownNetworks } from "./container-view.ts";
import type { EngineImage } from "./ports.ts";

/** One row of GET /containers/json. */
export function containerSummary(record: Container, image: EngineImage | undefined) {
  const ports = Object.entries(record.NetworkSettings.Ports ?? {}).flatMap(([key, bindings]) => {
    const [port, type] = key.split("/");
    return bindings?.length
      ? bindings.map((binding) => ({ IP: binding.HostIp, PrivatePort: Number(port), PublicPort: Number(binding.HostPort), Type: type }))
      : [{ PrivatePort: Number(port), Type: type }];
  });
  return {
    Id: record.Id,
    Names: [record.Name],
    Image: image || !record.Image ? record.Config.Image : record.Image,
    ImageID: record.Image,
    Command: [record.Path, ...record.Args].join(" "),
    Created: Math.floor(Date.parse(record.Created) / 1000),
    Ports: record.State.Running ? ports : [],
    Labels: record.Config.Labels ?? {},
    State: record.State.Status,
    Status: statusText(record, Date.now()),
    HostConfig: { NetworkMode: record.HostConfig.NetworkMode },
    NetworkSettings: { Networks: shownNetworks(record) },
    Mounts: record.Mounts,
  };
}

/** "Up 3 seconds (health: starting)", "Exited (3) 2 minutes ago". */
export function statusText({ State: state }: Container, nowMs: number): string {
  switch (state.Status) {
    case "running": {
      const health =
        state.Health && state.Health.Status !== "none"
          ? ` (${state.Health.Status === "starting" ? "health: starting" : state.Health.Status})`
          : "";
      return `Up ${age(nowMs - Date.parse(state.StartedAt))}${health}`;
    }
    case "paused":
      return `Up ${age(nowMs - Date.parse(state.StartedAt))} (Paused)`;
    case "restarting":
      return `Restarting (${state.ExitCode}) ${age(nowMs - Date.parse(state.FinishedAt))} ago`;
    case "exited":
      return `Exited (${state.ExitCode}) ${age(nowMs - Date.parse(state.FinishedAt))} ago`;
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

/** Docker's words for a time span (go-units HumanDuration). */
export function age(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.round(seconds / 3600);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 14) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 60) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}
