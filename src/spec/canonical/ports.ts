import { isIP } from "node:net";

/** One published port in its long form. */
export interface PortMapping {
  mode: "ingress";
  host_ip?: string;
  target: number;
  published?: string;
  protocol: string;
}

/**
 * Reads `[[HOST_IP:]PUBLISHED:]TARGET[/PROTOCOL]`; a range of targets becomes one port each, a range of published ports for one target
 * stays a range (compose-spec 05-services.md, ports; docker/go-connections, package nat).
 */
export function shortPort(text: string): { ports: PortMapping[] } | { error: string } {
  const parts = text.split(":");
  const last = parts.at(-1) ?? "";
  const [containerPort = "", protocol = "tcp"] = last.split("/");
  const hostPort = parts.length > 1 ? (parts.at(-2) ?? "") : "";
  const host = parts.slice(0, -2).join(":");
  if (host.includes(":") && !host.startsWith("[")) return { error: `"${host}" is written in brackets as an address: "[${host}]:..."` };
  const hostIp = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  if (hostIp !== "" && isIP(hostIp.split("%")[0] ?? "") === 0) return { error: `"${hostIp}" is no IP address` };
  if (containerPort === "") return { error: `"${text}" names no container port` };
  const targets = portRange(containerPort);
  if (!targets || targets.start === 0) return { error: `"${containerPort}" is no container port, and no range of them` };
  const published = hostPort === "" ? undefined : portRange(hostPort);
  if (hostPort !== "" && !published) return { error: `"${hostPort}" is no port, and no range of them` };
  const count = targets.end - targets.start;
  if (published && published.end - published.start !== count && count !== 0) {
    return { error: `the ranges ${hostPort} and ${containerPort} are not of the same length` };
  }
  const protocolName = (protocol || "tcp").toLowerCase();
  if (!["tcp", "udp", "sctp"].includes(protocolName)) return { error: `"${protocol}" is no protocol: tcp, udp or sctp` };
  const ports: PortMapping[] = [];
  for (let index = 0; index <= count; index++) {
    const port: PortMapping = { mode: "ingress", target: targets.start + index, protocol: protocolName };
    if (hostIp !== "") port.host_ip = hostIp;
    if (published) {
      const first = published.start + index;
      port.published = count === 0 && published.end !== published.start ? `${first}-${published.end}` : String(first);
    }
    ports.push(port);
  }
  const key = (port: PortMapping) => `${port.target}/${port.protocol}`;
  return { ports: ports.sort((one, other) => (key(one) < key(other) ? -1 : 1)) };
}

function portRange(text: string): { start: number; end: number } | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const start = Number(match[1]);
  const end = match[2] === undefined ? start : Number(match[2]);
  return start > 65535 || end > 65535 || end < start ? undefined : { start, end };
}
