import { humanDuration } from "../../api/index.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { nameOf, projectContainers } from "../project-containers.ts";
import { projectName } from "../project-name.ts";
import { bytes } from "../render/build-state.ts";
import { columns } from "../render/columns.ts";

interface ImageInspect {
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
  readonly Size: number;
  readonly Created?: string;
  readonly Architecture: string;
  readonly Os: string;
  readonly Variant?: string;
}

/** `berth images`: the image of each container of the project. */
export async function images(
  cli: Invocation,
  services: readonly string[],
  flags: { readonly format: string; readonly quiet?: boolean },
): Promise<void> {
  if (flags.format !== "table" && flags.format !== "json") throw usageError(`--format is table or json, not "${flags.format}"`);
  const client = await cli.engine();
  const rows = await projectContainers(client, { project: projectName(cli), all: true, oneOff: true, services, signal: cli.signal });
  const found = new Map<string, Promise<ImageInspect>>();
  const list = await Promise.all(
    rows.map(async (row) => {
      const asked = found.get(row.ImageID) ?? client.json<ImageInspect>("GET", `/images/${row.ImageID}/json`, { signal: cli.signal });
      found.set(row.ImageID, asked);
      return imageRow(nameOf(row), row.Image, await asked);
    }),
  );
  if (flags.quiet) for (const id of new Set(list.map((one) => one.ID))) cli.print(id.replace(/^sha256:/, ""));
  else if (flags.format === "json") cli.print(JSON.stringify(list));
  else cli.print(columns([heads, ...list.map(cells)], { least: 20 }));
}

const heads = ["CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED"];

/** Under the names of `docker compose images --format json`. */
function imageRow(ContainerName: string, image: string, inspect: ImageInspect) {
  const name = inspect.RepoTags?.find((tag) => tag === image || tag === `${image}:latest`) ?? inspect.RepoTags?.[0];
  const at = name?.lastIndexOf(":") ?? -1;
  return {
    ID: inspect.Id,
    ContainerName,
    Repository: name?.slice(0, at) ?? "<none>",
    Tag: name?.slice(at + 1) ?? "<none>",
    Platform: [inspect.Os, inspect.Architecture, inspect.Variant].filter(Boolean).join("/"),
    Size: inspect.Size,
    ...(inspect.Created ? { Created: inspect.Created } : {}),
  };
}

function cells(row: ReturnType<typeof imageRow>): string[] {
  const created = row.Created ? `${humanDuration(Date.now() - Date.parse(row.Created))} ago` : "N/A";
  return [
    row.ContainerName,
    row.Repository,
    row.Tag,
    row.Platform,
    row.ID.replace(/^sha256:/, "").slice(0, 12),
    bytes(Number(row.Size.toPrecision(3))),
    created,
  ];
}
