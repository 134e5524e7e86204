import { command } from "../command.ts";
import { filterQuery } from "../filters.ts";
import { listFormat } from "../format/format-flag.ts";
import { compileTemplate } from "../format/template.ts";
import { humanDuration, humanSize, table } from "../table.ts";

/** What GET /images/json tells of one image, as far as it is shown here. */
interface ImageSummary {
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
  readonly Created: number;
  readonly Size: number;
}

export const ls = command({
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  about: "List images",
  flags: `
    -a, --all  Show all images (default hides intermediate images)
    --digests  Show digests
    -f, --filter filter...  Filter output based on conditions provided
    --format string  ${listFormat}
    --no-trunc  Don't truncate output
    -q, --quiet  Only show image IDs
    --tree  List multi-platform images as a tree (EXPERIMENTAL)
  `,
  arity: [0, 1],
  run: async ({ engine, flags, args: [reference], print }) => {
    const filters = filterQuery([...flags.list("filter"), ...(reference ? [`reference=${reference}`] : [])]);
    const images = await engine.json<ImageSummary[]>("GET", "/images/json", { query: { all: flags.on("all"), filters } });
    const rows = images.flatMap((image) =>
      (image.RepoTags?.length ? image.RepoTags : ["<none>:<none>"]).map((tag) => row(image, tag, flags.on("no-trunc"))),
    );
    const format = flags.text("format");
    if (flags.on("quiet")) {
      for (const id of new Set(rows.map((one) => one.ID))) print(id);
    } else if (format === "json") {
      for (const one of rows) print(JSON.stringify(one));
    } else if (format !== undefined && format !== "table") {
      const render = compileTemplate(format.replaceAll("\\t", "\t").replaceAll("\\n", "\n"));
      for (const one of rows) print(render(one));
    } else {
      const cells = rows.map((one) => [one.Repository, one.Tag, one.ID, one.CreatedSince, one.Size]);
      print(table(["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"], cells));
    }
  },
});

function row(image: ImageSummary, tag: string, whole: boolean) {
  const at = tag.lastIndexOf(":");
  return {
    ID: whole ? image.Id : image.Id.replace(/^sha256:/, "").slice(0, 12),
    Repository: tag.slice(0, at),
    Tag: tag.slice(at + 1),
    CreatedAt: new Date(image.Created * 1000).toISOString(),
    CreatedSince: `${humanDuration(Math.max(0, Date.now() / 1000 - image.Created))} ago`,
    Size: humanSize(image.Size),
  };
}
