import type { Network } from "../../../api/index.ts";
import { EngineError } from "../../client/index.ts";
import { command, many } from "../command.ts";
import { confirmed } from "../confirm.ts";
import { forEachArgument } from "../each.ts";
import { filterQuery } from "../filters.ts";
import { listFormat } from "../format/format-flag.ts";
import { labelOf, printListing } from "../format/listing.ts";
import { DockerExit } from "../usage-error.ts";
import { ipamConfig } from "./ipam-config.ts";

export const create = command({
  usage: "[OPTIONS] NETWORK",
  about: "Create a network",
  flags: `
    --attachable  Enable manual container attachment
    --aux-address map...  Auxiliary IPv4 or IPv6 addresses used by Network driver (default map[])
    --config-from string  The network from which to copy the configuration
    --config-only  Create a configuration only network
    -d, --driver string  Driver to manage the Network (default "bridge")
    --gateway strings...  IPv4 or IPv6 Gateway for the master subnet
    --ingress  Create swarm routing-mesh network
    --internal  Restrict external access to the network
    --ip-range strings...  Allocate container ip from a sub-range
    --ipam-driver string  IP Address Management Driver (default "default")
    --ipam-opt map...  Set IPAM driver specific options (default map[])
    --ipv4  Enable or disable IPv4 address assignment (default true)
    --ipv6  Enable or disable IPv6 address assignment
    --label list...  Set metadata on a network
    -o, --opt map...  Set driver specific options (default map[])
    --scope string  Control the network's scope
    --subnet strings...  Subnet in CIDR format that represents a network segment
  `,
  arity: [1, 1],
  run: async ({ engine, flags, args: [Name = ""], print, printError }) => {
    const pairs = (list: readonly string[]) =>
      Object.fromEntries(list.map((text) => [text.split("=")[0] ?? "", text.split("=").slice(1).join("=")]));
    const made = await engine.json<{ Id: string; Warning?: string }>("POST", "/networks/create", {
      body: {
        Name,
        Driver: flags.text("driver") ?? "bridge",
        Internal: flags.on("internal"),
        Attachable: flags.on("attachable"),
        ...(flags.given("ipv4") ? { EnableIPv4: flags.on("ipv4") } : {}),
        ...(flags.given("ipv6") ? { EnableIPv6: flags.on("ipv6") } : {}),
        ...(flags.on("ingress") ? { Ingress: true } : {}),
        ...(flags.on("config-only") ? { ConfigOnly: true } : {}),
        ...(flags.given("config-from") ? { ConfigFrom: { Network: flags.text("config-from") } } : {}),
        ...(flags.given("scope") ? { Scope: flags.text("scope") } : {}),
        Labels: pairs(flags.list("label")),
        Options: pairs(flags.list("opt")),
        IPAM: { Driver: flags.text("ipam-driver") ?? "default", Options: pairs(flags.list("ipam-opt")), Config: ipamConfig(flags) },
      },
    });
    if (made.Warning) printError(`WARNING: ${made.Warning}`);
    print(made.Id);
  },
});

export const ls = command({
  usage: "[OPTIONS]",
  about: "List networks",
  flags: `
    -f, --filter filter...  Provide filter values (e.g. "driver=bridge")
    --format string  ${listFormat}
    --no-trunc  Do not truncate the output
    -q, --quiet  Only display network IDs
  `,
  run: async (call) => {
    const { engine, flags } = call;
    const query = { filters: filterQuery(flags.list("filter")) };
    const networks = await engine.json<Network[]>("GET", "/networks", { query });
    const rows = networks
      .sort((a, b) => (a.Name < b.Name ? -1 : 1))
      .map(({ Id, Name, Driver, Scope, EnableIPv4, EnableIPv6, Internal, Labels, Created }) => ({
        ID: flags.on("no-trunc") ? Id : Id.slice(0, 12),
        Name,
        Driver,
        Scope,
        IPv4: String(EnableIPv4),
        IPv6: String(EnableIPv6),
        Internal: String(Internal),
        Labels: Object.entries(Labels)
          .map(([name, value]) => `${name}=${value}`)
          .join(","),
        Label: labelOf(Labels),
        CreatedAt: Created,
      }));
    printListing(call, rows, {
      quiet: "ID",
      type: "*network.networkContext",
      idHead: "NETWORK ID",
      columns: [
        ["NETWORK ID", "ID"],
        ["NAME", "Name"],
        ["DRIVER", "Driver"],
        ["SCOPE", "Scope"],
      ],
    });
  },
});

export const rm = command({
  usage: "NETWORK [NETWORK...]",
  about: "Remove one or more networks",
  flags: "-f, --force  Do not error if the network does not exist",
  arity: [1, many],
  run: async (call) => {
    const code = await forEachArgument(
      call,
      async (name) => {
        try {
          await call.engine.json("DELETE", `/networks/${encodeURIComponent(name)}`);
          return name;
        } catch (error) {
          if (!call.flags.on("force") || !(error instanceof EngineError) || error.status !== 404) throw error;
          return undefined;
        }
      },
      { inTurn: true },
    );
    if (code !== 0) call.printError(`exit status ${code}`); // Docker's last word about it
    return code;
  },
});

export const prune = command({
  usage: "[OPTIONS]",
  about: "Remove all unused networks",
  flags: `
    --filter filter...  Provide filter values (e.g. "until=<timestamp>")
    -f, --force  Do not prompt for confirmation
  `,
  run: async (call) => {
    const { engine, flags, print } = call;
    const question = "WARNING! This will remove all custom networks not used by at least one container.";
    if (!flags.on("force") && !(await confirmed(call, question))) throw new DockerExit(0);
    const query = { filters: filterQuery(flags.list("filter")) };
    const { NetworksDeleted } = await engine.json<{ NetworksDeleted: string[] | null }>("POST", "/networks/prune", { query });
    if (NetworksDeleted?.length) print(`Deleted Networks:\n${NetworksDeleted.join("\n")}\n`);
  },
});
