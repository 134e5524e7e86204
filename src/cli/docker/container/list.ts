import { command } from "../command.ts";
import { filterQuery } from "../filters.ts";
import { printListing } from "../format/listing.ts";
import { humanDuration, humanSize } from "../table.ts";

/** What GET /containers/json tells of one container, as far as it is shown here. */
interface ContainerSummary {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Image: string;
  readonly Command: string;
  readonly Created: number;
  readonly State: string;
  readonly Status: string;
  readonly SizeRw?: number;
  readonly SizeRootFs?: number;
  readonly Mounts?: readonly { readonly Type: string; readonly Name?: string; readonly Source: string }[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly Ports: readonly { readonly IP?: string; readonly PrivatePort: number; readonly PublicPort?: number; readonly Type: string }[];
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, unknown>> };
}

export const ls = command({
  usage: "[OPTIONS]",
  about: "List containers",
  flags: `
    -a, --all  Show all containers (default shows just running)
    -f, --filter filter...  Filter output based on conditions provided
    --format string  Format output using a custom template: 'json' or a Go template
    -n, --last int  Show n last created containers (includes all states)
    -l, --latest  Show the latest created container (includes all states)
    --no-trunc  Don't truncate output
    -q, --quiet  Only display container IDs
    -s, --size  Display total file sizes
  `,
  run: async (call) => {
    const { engine, flags } = call;
    const limit = flags.on("latest") ? 1 : flags.int("last");
    // A template that shows the size asks for it.
    const size = flags.on("size") || /\.Size\b/.test(flags.text("format") ?? "");
    const query = { all: flags.on("all"), limit, ...(size ? { size } : {}), filters: filterQuery(flags.list("filter")) };
    const list = await engine.json<ContainerSummary[]>("GET", "/containers/json", { query });
    const rows = list.map((one) => row(one, flags.on("no-trunc")));
    printListing(call, rows, {
      quiet: "ID",
      columns: [
        ["CONTAINER ID", "ID"],
        ["IMAGE", "Image"],
        ["COMMAND", "Command"],
        ["CREATED", "CreatedAgo"],
        ["STATUS", "Status"],
        ["PORTS", "Ports"],
        ["NAMES", "Names"],
        ...(size ? ([["SIZE", "Size"]] as const) : []),
      ],
    });
  },
});

/** The fields of Docker's own templates, under their names. */
function row(one: ContainerSummary, whole: boolean) {
  const shortCommand = one.Command.length > 20 ? `${one.Command.slice(0, 19)}…` : one.Command;
  const age = `${humanDuration(Math.max(0, Date.now() / 1000 - one.Created))} ago`;
  return {
    Command: JSON.stringify(whole ? one.Command : shortCommand),
    CreatedAgo: age,
    RunningFor: age,
    CreatedAt: new Date(one.Created * 1000).toISOString(),
    ID: whole ? one.Id : one.Id.slice(0, 12),
    Image: one.Image,
    Labels: Object.entries(one.Labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(","),
    Names: one.Names.map((name) => name.replace(/^\//, "")).join(","),
    Networks: Object.keys(one.NetworkSettings?.Networks ?? {}).join(","),
    Ports: one.Ports.map(portText).join(", "),
    State: one.State,
    Status: one.Status,
    Mounts: (one.Mounts ?? []).map((mount) => mount.Name ?? mount.Source).join(","),
    LocalVolumes: String((one.Mounts ?? []).filter((mount) => mount.Type === "volume").length),
    Size: `${humanSize(one.SizeRw ?? 0)}${one.SizeRootFs ? ` (virtual ${humanSize(one.SizeRootFs)})` : ""}`,
  };
}

function portText(port: ContainerSummary["Ports"][number]): string {
  const inside = `${port.PrivatePort}/${port.Type}`;
  const host = port.IP?.includes(":") ? `[${port.IP}]` : port.IP;
  return port.PublicPort ? `${host}:${port.PublicPort}->${inside}` : inside;
}
