import type { Container } from "../../../api/index.ts";
import { BerthError } from "../../../system/error.ts";
import { command, many } from "../command.ts";
import { table } from "../table.ts";

export const top = command({
  usage: "CONTAINER [ps OPTIONS]",
  about: "Display the running processes of a container",
  arity: [1, many],
  interspersed: false,
  run: async ({ engine, args: [name = "", ...options], print }) => {
    const query = { ps_args: options.length > 0 ? options.join(" ") : undefined };
    const { Titles, Processes } = await engine.json<{ Titles: string[]; Processes: string[][] }>(
      "GET",
      `/containers/${encodeURIComponent(name)}/top`,
      { query },
    );
    print(table(Titles, Processes));
  },
});

export const port = command({
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  about: "List port mappings or a specific mapping for the container",
  arity: [1, 2],
  run: async ({ engine, args: [name = "", wanted], print }) => {
    const { NetworkSettings } = await engine.json<Container>("GET", `/containers/${encodeURIComponent(name)}/json`);
    const bound = Object.entries(NetworkSettings.Ports ?? {}).flatMap(([key, list]) =>
      (list ?? []).map(({ HostIp, HostPort }) => ({ key, address: `${HostIp.includes(":") ? `[${HostIp}]` : HostIp}:${HostPort}` })),
    );
    if (wanted === undefined) {
      for (const { key, address } of bound.sort((a, b) => Number.parseInt(a.key, 10) - Number.parseInt(b.key, 10)))
        print(`${key} -> ${address}`);
      return;
    }
    const [number = ""] = wanted.split("/");
    if (!/^\d+$/.test(number))
      throw new BerthError(
        "cli/usage",
        `Error: invalid port (${number}): strconv.ParseUint: parsing ${JSON.stringify(number)}: invalid syntax`,
      );
    const key = wanted.includes("/") ? wanted : `${wanted}/tcp`;
    const found = bound.filter((one) => one.key === key);
    if (found.length === 0) throw new BerthError("cli/usage", `Error: No public port '${wanted}' published for ${name}`);
    for (const { address } of found) print(address);
  },
});
