import { isIP } from "node:net";
import { UsageError } from "../usage-error.ts";

type Binding = { HostIp: string; HostPort: string };

/**
 * `-p 80`, `8080:80`, `127.0.0.1:8080:80/udp`, `[::1]:80:80`, `8000-8002:80-82`, `published=8080,target=80,protocol=udp` as the API's bindings;
 * `--expose 80-82/tcp` as exposed ports. @throws UsageError in Docker's words
 */
export function portBindings(published: readonly string[], exposed: readonly string[]) {
  const bindings: Record<string, Binding[]> = {};
  const all: Record<string, Record<string, never>> = {};
  for (const text of published.flatMap(shortForm)) {
    const { ip, host, inner, protocol } = parts(text);
    const [inside, outside] = [portRange(inner, "Invalid containerPort"), host === "" ? [] : portRange(host, "Invalid hostPort")];
    const shared = outside.length > 1 && inside.length === 1;
    if (outside.length > 0 && outside.length !== inside.length && !shared)
      throw new UsageError(`Invalid ranges specified for container and host Ports: ${inner} and ${host}`);
    inside.forEach((port, index) => {
      const key = `${port}/${protocol}`;
      all[key] = {};
      const HostPort = shared ? host : String(outside[index] ?? "");
      bindings[key] = [...(bindings[key] ?? []), { HostIp: ip, HostPort }];
    });
  }
  for (const text of exposed) {
    if (text.includes(":")) throw new UsageError(`invalid port format for --expose: ${text}`);
    const [ports = "", protocol = "tcp"] = text.split("/");
    for (const port of exposedRange(text, ports)) all[`${port}/${protocol}`] = {};
  }
  return { bindings, exposed: all };
}

/** The long form as short ones; keys that it does not have are passed over, as by Docker. */
function shortForm(text: string): string[] {
  if (!text.includes("=")) return [text];
  const fields = new Map(text.split(",").map((field) => [field.split("=")[0]?.toLowerCase() ?? "", field.split("=").slice(1).join("=")]));
  const [target, published = "", protocol = "tcp"] = [fields.get("target"), fields.get("published"), fields.get("protocol")];
  for (const [name, value] of [
    ["target", target],
    ["published", published || "0"],
  ] as const)
    if (!/^\d+$/.test(value ?? "")) throw new UsageError(`invalid ${name} port (${value ?? ""}): value must be an integer`);
  if (!["tcp", "udp", "sctp"].includes(protocol)) throw new UsageError(`invalid protocol value '${protocol}'`);
  return [`${published}:${target}/${protocol}`];
}

/** go-connections' ParsePortSpec. */
function parts(text: string): { ip: string; host: string; inner: string; protocol: string } {
  const [ports = "", protocol = "tcp"] = text.split("/");
  if (text === "") throw new UsageError("No port specified: <empty>");
  const pieces = ports.split(":");
  const inner = pieces.pop() ?? "";
  const host = pieces.pop() ?? "";
  const asked = pieces.join(":");
  const ip = asked.replace(/^\[(.*)\]$/, "$1");
  if (inner === "") throw new UsageError(`No port specified: ${text}<empty>`);
  if (asked !== "" && !asked.startsWith("[") && pieces.length > 1 && !isIP(asked))
    throw new UsageError(`Invalid ip address ${asked}: address ${asked}:: too many colons in address`);
  if (ip !== "" && isIP(ip) === 0) throw new UsageError(`Invalid ip address: ${ip}`);
  if (!["tcp", "udp", "sctp"].includes(protocol.toLowerCase())) throw new UsageError(`Invalid proto: ${protocol}`);
  return { ip, host, inner, protocol: protocol.toLowerCase() };
}

function portRange(text: string, problem: string): number[] {
  const [from = Number.NaN, to = from] = text.split("-").map(Number);
  if (!/^\d+(-\d+)?$/.test(text) || from > to || to > 65535) throw new UsageError(`${problem}: ${text}`);
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function exposedRange(whole: string, text: string): number[] {
  const fail = (why: string): never => {
    throw new UsageError(`invalid range format for --expose: ${whole}, error: ${why}`);
  };
  for (const part of text.split("-", 2))
    if (!/^\d+$/.test(part)) fail(`strconv.ParseUint: parsing ${JSON.stringify(part)}: invalid syntax`);
  const [from = 0, to = from] = text.split("-").map(Number);
  if (from > to) fail(`Invalid range specified for the Port: ${text}`);
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
