import type { Call } from "../command.ts";
import { humanSize, table } from "../table.ts";
import type { ImageSummary } from "./image-summary.ts";

/** `images --tree`: one line a name; an image of this store is of one platform, so that nothing hangs below it. "U": a container uses it. */
export async function imageTree({ engine }: Call, images: readonly ImageSummary[]): Promise<string> {
  const containers = await engine.json<{ ImageID: string }[]>("GET", "/containers/json", { query: { all: true } });
  const used = new Set(containers.map(({ ImageID }) => ImageID));
  const rows = [...images]
    .sort((a, b) => b.Created - a.Created)
    .flatMap((image) => {
      const names = image.RepoTags?.length ? image.RepoTags : ["<untagged>"];
      const facts = [image.Id.replace(/^sha256:/, "").slice(0, 12), humanSize(image.Size), "0B", used.has(image.Id) ? "U" : ""];
      return names.map((name, index) => [name, ...(index === names.length - 1 ? facts : ["", "", "", ""])]);
    });
  return `${table(["IMAGE", "ID", "DISK USAGE", "CONTENT SIZE", "EXTRA"], rows)}\n\nInfo: U = in use`;
}
