import { UsageError } from "../usage-error.ts";

type Binding = { HostIp: string; HostPort: string };

/**
 * `-p 80`, `8080:80`, `127.0.0.1:8080:80/udp`, `[::1]:80:80`, `8000-8002:80-82` as the API's bindings; `--expose 80-82/tcp` as exposed ports.
 * @throws UsageError in Docker's words
 */
export function portBindings(published: readonly string[], exposed: readonly string[]) {
  const bindings: Record<string, Binding[]> = {};
  const all: Record<string, Record<string, never>> = {};
  for (const text of published) {
    const match = /^(?:(?:(\[[^\]]+\]|[^:]*):)?([\d-]*):)?([\d-]+)(?:\/(\w+))?$/.exec(text);
    if (!match) throw new UsageError(`invalid publish opts format (should be name=value but got '${text}')`);
    const [, ip = "", host = "", inner = "", protocol = "tcp"] = match;
    const [inside, outside] = [range(inner, text), host === "" ? [] : range(host, text)];
    const shared = outside.length > 1 && inside.length === 1;
    if (outside.length > 0 && outside.length !== inside.length && !shared)
      throw new UsageError(`invalid ranges specified for container and host Ports: ${inner} and ${host}`);
    inside.forEach((port, index) => {
      const key = `${port}/${protocol}`;
      all[key] = {};
      const HostPort = shared ? host : String(outside[index] ?? "");
      bindings[key] = [...(bindings[key] ?? []), { HostIp: ip.replace(/^\[|\]$/g, ""), HostPort }];
    });
  }
  for (const text of exposed) {
    const [ports = "", protocol = "tcp"] = text.split("/");
    for (const port of range(ports, text)) all[`${port}/${protocol}`] = {};
  }
  return { bindings, exposed: all };
}

function range(text: string, whole: string): number[] {
  const [from = 0, to = from] = text.split("-").map(Number);
  if (!/^\d+(-\d+)?$/.test(text) || from > to || to > 65535) throw new UsageError(`invalid containerPort: ${whole}`);
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
