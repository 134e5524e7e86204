import type { Volume } from "../../../api/index.ts";
import { command, many } from "../command.ts";
import { forEachArgument } from "../each.ts";
import { filterQuery } from "../filters.ts";
import { listFormat } from "../format/format-flag.ts";
import { labelOf, printListing } from "../format/listing.ts";
import { table } from "../table.ts";
import { DockerExit } from "../usage-error.ts";
import { clusterSpec, hiddenClusterFlags } from "./cluster.ts";

export const create = command({
  usage: "[OPTIONS] [VOLUME]",
  about: "Create a volume",
  flags: `
    -d, --driver string  Specify volume driver name (default "local")
    --label list...  Set metadata for a volume
    -o, --opt map...  Set driver specific options (default map[])
    --name string  (old)
    ${hiddenClusterFlags}
  `,
  arity: [0, 1],
  run: async ({ engine, flags, args: [given], print }) => {
    const Name = given ?? flags.text("name") ?? "";
    if (given !== undefined && flags.given("name"))
      throw new DockerExit(1, "conflicting options: either specify --name or provide positional arg, not both");
    const cluster = clusterSpec(flags);
    // None is null, as Docker's client sends it and inspection shows it.
    const pairs = (list: readonly string[]) =>
      list.length === 0 ? null : Object.fromEntries(list.map((text) => [text.split("=")[0] ?? "", text.split("=").slice(1).join("=")]));
    const body = {
      Name,
      Driver: flags.text("driver") ?? "local",
      Labels: pairs(flags.list("label")),
      DriverOpts: pairs(flags.list("opt")),
      ...(cluster ? { ClusterVolumeSpec: cluster } : {}),
    };
    print((await engine.json<{ Name: string }>("POST", "/volumes/create", { body })).Name);
  },
});

export const ls = command({
  usage: "[OPTIONS]",
  about: "List volumes",
  flags: `
    -f, --filter filter...  Provide filter values (e.g. "dangling=true")
    --format string  ${listFormat}
    -q, --quiet  Only display volume names
    --cluster  (swarm)
  `,
  run: async (call) => {
    const { engine, flags, print } = call;
    const query = { filters: filterQuery(flags.list("filter")) };
    const { Volumes } = await engine.json<{ Volumes: Volume[] | null }>("GET", "/volumes", { query });
    if (flags.on("cluster")) return print(table(["VOLUME NAME", "GROUP", "DRIVER", "AVAILABILITY", "STATUS"], []));
    const rows = (Volumes ?? [])
      .sort((a, b) => (a.Name < b.Name ? -1 : 1))
      .map(({ Name, Driver, Scope, Mountpoint, Labels }) => ({
        ...notInTheList,
        Label: labelOf(Labels),
        Name,
        Driver,
        Scope,
        Mountpoint,
        Labels: Object.entries(Labels ?? {})
          .map(([name, value]) => `${name}=${value}`)
          .join(","),
      }));
    printListing(call, rows, {
      quiet: "Name",
      type: "*formatter.volumeContext",
      columns: [
        ["DRIVER", "Driver"],
        ["VOLUME NAME", "Name"],
      ],
    });
  },
});

/** What a list of volumes is not told. */
const notInTheList = { Availability: "N/A", Group: "N/A", Links: "N/A", Size: "N/A", Status: "N/A" };

export const rm = command({
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  about: "Remove one or more volumes. You cannot remove a volume that is in use by a container.",
  flags: "-f, --force  Force the removal of one or more volumes",
  arity: [1, many],
  run: (call) =>
    forEachArgument(call, async (name) => {
      await call.engine.json("DELETE", `/volumes/${encodeURIComponent(name)}`, { query: { force: call.flags.on("force") } });
      return name;
    }),
});
