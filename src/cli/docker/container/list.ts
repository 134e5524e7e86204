import { containerFields } from "../../container-fields.ts";
import type { ContainerRow } from "../../project-containers.ts";
import { command } from "../command.ts";
import { filterQuery } from "../filters.ts";
import { listFormat } from "../format/format-flag.ts";
import { labelOf, printListing } from "../format/listing.ts";
import { compileTemplate } from "../format/template.ts";
import { TemplateError } from "../format/template-parse.ts";
import { humanSize } from "../table.ts";
import { DockerExit } from "../usage-error.ts";

export const ls = command({
  usage: "[OPTIONS]",
  about: "List containers",
  flags: `
    -a, --all  Show all containers (default shows just running)
    -f, --filter filter...  Filter output based on conditions provided
    --format string  ${listFormat}
    -n, --last int  Show n last created containers (includes all states) (default -1)
    -l, --latest  Show the latest created container (includes all states)
    --no-trunc  Don't truncate output
    -q, --quiet  Only display container IDs
    -s, --size  Display total file sizes
  `,
  run: async (call) => {
    const { engine, flags } = call;
    checkTemplate(flags.text("format"));
    if (flags.on("quiet") && flags.text("format"))
      call.printError("WARNING: Ignoring custom format, because both --format and --quiet are set.");
    const limit = flags.on("latest") ? 1 : flags.int("last");
    // A template that shows the size asks for it.
    const size = flags.on("size") || /\.Size\b/.test(flags.text("format") ?? "");
    const query = { all: flags.on("all"), limit, ...(size ? { size } : {}), filters: filterQuery(flags.list("filter")) };
    const list = await engine.json<ContainerRow[]>("GET", "/containers/json", { query });
    const rows = list.map((row) => ({
      ...containerFields(row, !flags.on("no-trunc"), Date.now()),
      Size: sizeText(row),
      Platform: null,
      Label: labelOf(row.Labels),
    }));
    try {
      printListing(call, rows, {
        quiet: "ID",
        type: "*formatter.ContainerContext",
        columns: [
          ["CONTAINER ID", "ID"],
          ["IMAGE", "Image"],
          ["COMMAND", "Command"],
          ["CREATED", "RunningFor"],
          ["STATUS", "Status"],
          ["PORTS", "Ports"],
          ["NAMES", "Names"],
          ...(size ? ([["SIZE", "Size"]] as const) : []),
        ],
      });
    } catch (error) {
      throw error instanceof TemplateError ? new DockerExit(1, `failed to execute template: ${error.message}`) : error;
    }
  },
});

/** Docker looks into the template of this list for the size before it asks, and has words of its own for what is wrong with it. */
function checkTemplate(format: string | undefined): void {
  try {
    if (format) compileTemplate(format.replace(/^table\s+/, ""));
  } catch (error) {
    if (error instanceof TemplateError) throw new DockerExit(1, `failed to parse template: ${error.message}`);
    throw error;
  }
}

/** What the files of a container take: what it wrote, and with its image. */
const sizeText = ({ SizeRw = 0, SizeRootFs = 0 }: ContainerRow): string =>
  `${humanSize(SizeRw)}${SizeRootFs ? ` (virtual ${humanSize(SizeRootFs)})` : ""}`;
