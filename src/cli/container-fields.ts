import { humanDuration } from "../api/index.ts";
import type { ContainerRow, PortRow } from "./project-containers.ts";
import { ellipsis } from "./render/columns.ts";
import { goTime } from "./render/human-time.ts";

/**
 * A container under the names that Docker's and Compose's templates and JSON give its fields (cli/command/formatter/container.go). `truncate`: a short id, and at most
 * 20 characters of the command and 15 of a mount.
 */
export function containerFields(row: ContainerRow, truncate: boolean, nowMs: number) {
  const short = (text: string, length: number) => (truncate ? ellipsis(text, length) : text);
  return {
    Command: JSON.stringify(short(row.Command, 20)),
    CreatedAt: goTime(row.Created),
    ID: truncate ? row.Id.slice(0, 12) : row.Id,
    Image: row.Image,
    Labels: Object.entries(row.Labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(","),
    LocalVolumes: String(row.Mounts.filter((mount) => mount.Type === "volume").length),
    Mounts: row.Mounts.map((mount) => short(mount.Name || mount.Source, 15)).join(","),
    Names: row.Names.map((name) => name.replace(/^\//, "")).join(","),
    Networks: Object.keys(row.NetworkSettings.Networks).join(","),
    Ports: row.Ports.map(portText).join(", "),
    RunningFor: `${humanDuration(Math.max(0, nowMs - row.Created * 1000))} ago`,
    State: row.State,
    Status: row.Status,
  };
}

/** "0.0.0.0:8080->80/tcp", "[::]:8080->80/tcp", "443/tcp" */
function portText(port: PortRow): string {
  const inside = `${port.PrivatePort}/${port.Type ?? "tcp"}`;
  if (!port.PublicPort) return inside;
  const host = port.IP?.includes(":") ? `[${port.IP}]` : (port.IP ?? "");
  return `${host}:${port.PublicPort}->${inside}`;
}
