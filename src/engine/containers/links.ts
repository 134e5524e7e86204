import type { Container } from "../../api/index.ts";
import { BerthError } from "../../system/index.ts";
import type { ContainerRecord } from "./container-record.ts";

/** "ref[:alias]" of HostConfig.Links -> its parts. A reference as inspection shows it ("/db:/web/database") is taken, too. */
export function parseLink(text: string): { ref: string; alias: string } {
  const [ref = "", alias = ref] = text.split(":");
  return { ref: ref.replace(/^\//, ""), alias: alias.split("/").at(-1) ?? alias };
}

/**
 * The variables that a legacy link gives: where the other container's exposed ports are, its name and its own variables. As in Docker, only on the default
 * bridge; on other networks names do this.
 * @throws BerthError container/not-running where the other one does not run
 */
export function linkVariables(record: ContainerRecord, find: (ref: string) => ContainerRecord | undefined): string[] {
  if (record.HostConfig.NetworkMode !== "bridge") return [];
  return (record.HostConfig.Links ?? []).flatMap((text) => {
    const { ref, alias } = parseLink(text);
    const other = find(ref);
    if (other && !other.State.Running)
      throw new BerthError("container/not-running", `Cannot link to a non running container: ${other.Name} AS ${record.Name}/${alias}`);
    const address = other?.NetworkSettings.Networks["bridge"]?.IPAddress;
    return other && address ? variables(record.Name.slice(1), alias, other, address) : [];
  });
}

function variables(self: string, alias: string, other: Container, address: string): string[] {
  const prefix = alias.replaceAll("-", "_").toUpperCase();
  const ports = Object.keys(other.Config.ExposedPorts ?? {})
    .map((key) => ({ port: Number(key.split("/")[0]), protocol: key.split("/")[1] ?? "tcp" }))
    .sort((a, b) => a.port - b.port);
  const [first] = ports;
  return [
    ...(first ? [`${prefix}_PORT=${first.protocol}://${address}:${first.port}`] : []),
    ...ports.flatMap(({ port, protocol }) => {
      const name = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
      return [`${name}=${protocol}://${address}:${port}`, `${name}_ADDR=${address}`, `${name}_PORT=${port}`, `${name}_PROTO=${protocol}`];
    }),
    `${prefix}_NAME=/${self}/${alias}`,
    ...(other.Config.Env ?? []).flatMap((line) => (/^(HOME|PATH)=/.test(line) ? [] : [`${prefix}_ENV_${line}`])),
  ];
}
