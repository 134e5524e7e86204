import { BerthError } from "../../system/error.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { nameOf } from "../project-containers.ts";
import { serviceContainer } from "../service-container.ts";

/** `berth port SERVICE PORT[/PROTOCOL]`: "0.0.0.0:8080", the IPv4 binding first. */
export async function port(
  cli: Invocation,
  args: readonly string[],
  options: { readonly index?: number; readonly protocol: string },
): Promise<void> {
  const [service = "", text = ""] = args;
  const match = /^(\d+)(?:\/(tcp|udp|sctp))?$/.exec(text);
  if (!match) throw usageError(`"${text}" is not a port`, 'It is a number, e.g. "80".');
  const [wanted, protocol] = [Number(match[1]), match[2] ?? options.protocol];
  const container = await serviceContainer(cli, await cli.engine(), service, options.index);
  const found = container.Ports.filter((one) => one.PrivatePort === wanted && (one.Type ?? "tcp") === protocol && one.PublicPort);
  const chosen = found.find((one) => !one.IP?.includes(":")) ?? found[0];
  if (!chosen) {
    const published = container.Ports.filter((one) => one.PublicPort).map((one) => `${one.PrivatePort}/${one.Type ?? "tcp"}`);
    throw new BerthError("cli/no-such-container", `no port ${wanted}/${protocol} for container ${nameOf(container)}`, {
      hint: published.length > 0 ? `It publishes ${[...new Set(published)].join(", ")}.` : "It publishes no ports.",
    });
  }
  cli.print(`${chosen.IP?.includes(":") ? `[${chosen.IP}]` : (chosen.IP ?? "")}:${chosen.PublicPort}`);
}
