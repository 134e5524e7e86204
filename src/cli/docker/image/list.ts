import { goTime } from "../../render/human-time.ts";
import { type Call, command } from "../command.ts";
import { filterQuery } from "../filters.ts";
import { listFormat } from "../format/format-flag.ts";
import { printListing } from "../format/listing.ts";
import { humanDuration, humanSize } from "../table.ts";
import { DockerExit } from "../usage-error.ts";
import type { ImageSummary } from "./image-summary.ts";
import { imageTree } from "./tree.ts";

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
  run: async (call) => {
    const { engine, flags, print } = call;
    const [reference] = call.args;
    if (flags.on("tree")) refuseBesideTree(call);
    const filters = filterQuery([...flags.list("filter"), ...(reference ? [`reference=${reference}`] : [])]);
    const images = await engine.json<ImageSummary[]>("GET", "/images/json", { query: { all: flags.on("all"), filters } });
    if (flags.on("tree")) return print(await imageTree(call, images));
    const digests = flags.on("digests");
    const withDigest = digests || /\.Digest\b/.test(flags.text("format") ?? "");
    const rows = images.flatMap((image) => names(image, withDigest).map((name) => row(image, name, flags.on("no-trunc"))));
    if (flags.on("quiet")) for (const id of new Set(rows.map((one) => one.ID))) print(id);
    else
      printListing(call, rows, {
        type: "*formatter.imageContext",
        idHead: "IMAGE ID",
        columns: [
          ["REPOSITORY", "Repository"],
          ["TAG", "Tag"],
          ...(digests ? ([["DIGEST", "Digest"]] as const) : []),
          ["IMAGE ID", "ID"],
          ["CREATED", "CreatedSince"],
          ["SIZE", "Size"],
        ],
      });
  },
});

/** @throws DockerExit for what the tree has no room for */
function refuseBesideTree({ flags }: Call): void {
  for (const name of ["quiet", "no-trunc", "digests"])
    if (flags.on(name)) throw new DockerExit(1, `--${name === "digests" ? "show-digest" : name} is not yet supported with --tree`);
  if (flags.given("format")) throw new DockerExit(1, "--format is not yet supported with --tree");
}

interface ImageName {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** A line each: the tags, with the digests of their repository where these are asked for; a digest whose repository has no tag here stands alone. */
function names(image: ImageSummary, withDigest: boolean): ImageName[] {
  const tags = (image.RepoTags ?? []).map((text) => {
    const at = text.lastIndexOf(":");
    return { repository: text.slice(0, at), tag: text.slice(at + 1) };
  });
  const digests = (image.RepoDigests ?? []).map((text) => {
    const [repository = "", digest = ""] = text.split("@");
    return { repository, digest };
  });
  const tagged = tags.flatMap((name) => {
    const own = withDigest ? digests.filter(({ repository }) => repository === name.repository) : [];
    return own.length > 0 ? own.map(({ digest }) => ({ ...name, digest })) : [{ ...name, digest: none }];
  });
  const untagged = digests.filter(({ repository }) => !tags.some((name) => name.repository === repository));
  const alone = withDigest || tags.length === 0 ? untagged.map((name) => ({ ...name, tag: none })) : [];
  const all = [...tagged, ...(withDigest ? alone : alone.slice(0, 1))];
  return all.length > 0 ? all : [{ repository: none, tag: none, digest: none }];
}

const none = "<none>";

function row(image: ImageSummary, name: ImageName, whole: boolean) {
  return {
    Containers: image.Containers < 0 ? "N/A" : String(image.Containers),
    CreatedAt: goTime(image.Created),
    CreatedSince: `${humanDuration(Math.max(0, Date.now() / 1000 - image.Created))} ago`,
    Digest: name.digest,
    ID: whole ? image.Id : image.Id.replace(/^sha256:/, "").slice(0, 12),
    Repository: name.repository,
    SharedSize: "N/A",
    Size: humanSize(image.Size),
    Tag: name.tag,
    UniqueSize: "N/A",
    VirtualSize: humanSize(image.Size),
  };
}
