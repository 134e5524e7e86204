import { command } from "../command.ts";
import { listFormat } from "../format/format-flag.ts";
import { compileTemplate } from "../format/template.ts";
import { humanDuration, humanSize, table } from "../table.ts";
import { platformQuery } from "./platform.ts";

/** One entry of GET /images/{name}/history. */
interface HistoryEntry {
  readonly Id: string;
  readonly Created: number;
  readonly CreatedBy: string;
  readonly Size: number;
  readonly Comment: string;
}

export const history = command({
  usage: "[OPTIONS] IMAGE",
  about: "Show the history of an image",
  flags: `
    --format string  ${listFormat}
    -H, --human  Print sizes and dates in human readable format (default true)
    --no-trunc  Don't truncate output
    --platform string  Show history for the given platform. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")
    -q, --quiet  Only show image IDs
  `,
  arity: [1, 1],
  run: async ({ engine, flags, args: [name = ""], print }) => {
    const entries = await engine.json<HistoryEntry[]>("GET", `/images/${name}/history`, {
      query: { platform: platformQuery(flags.text("platform")) },
    });
    const human = flags.on("human", true);
    const whole = flags.on("no-trunc");
    const rows = entries.map((entry) => row(entry, { human, whole }));
    const format = flags.text("format");
    if (flags.on("quiet")) for (const one of rows) print(one.ID);
    else if (format === "json") for (const one of rows) print(JSON.stringify(one));
    else if (format !== undefined && format !== "table") {
      const render = compileTemplate(format.replaceAll("\\t", "\t").replaceAll("\\n", "\n"));
      for (const one of rows) print(render(one));
    } else {
      const heads = ["IMAGE", human ? "CREATED" : "CREATED AT", "CREATED BY", "SIZE", "COMMENT"];
      print(
        table(
          heads,
          rows.map((one) => [one.ID, human ? one.CreatedSince : one.CreatedAt, one.CreatedBy, one.Size, one.Comment]),
        ),
      );
    }
  },
});

function row(entry: HistoryEntry, o: { human: boolean; whole: boolean }) {
  const by = entry.CreatedBy.replaceAll("\t", " ");
  return {
    Comment: entry.Comment,
    CreatedAt: new Date(entry.Created * 1000).toISOString().replace(".000Z", "Z"),
    CreatedBy: o.whole || by.length <= 45 ? by : `${by.slice(0, 44)}…`,
    CreatedSince: `${humanDuration(Math.max(0, Date.now() / 1000 - entry.Created))} ago`,
    ID: o.whole ? entry.Id : entry.Id.replace(/^sha256:/, "").slice(0, 12),
    Size: o.human ? humanSize(entry.Size) : String(entry.Size),
  };
}
