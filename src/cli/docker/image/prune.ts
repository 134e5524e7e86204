import { type Call, command } from "../command.ts";
import { confirmed } from "../confirm.ts";
import { filterQuery } from "../filters.ts";
import { humanSize } from "../table.ts";
import { DockerExit } from "../usage-error.ts";

export const prune = command({
  usage: "[OPTIONS]",
  about: "Remove unused images",
  flags: `
    -a, --all  Remove all unused images, not just dangling ones
    --filter filter...  Provide filter values (e.g. "until=<timestamp>")
    -f, --force  Do not prompt for confirmation
  `,
  run: async (call) => {
    const all = call.flags.on("all");
    const warning = all
      ? "WARNING! This will remove all images without at least one container associated to them."
      : "WARNING! This will remove all dangling images.";
    if (!call.flags.on("force") && !(await confirmed(call, warning))) throw new DockerExit(0);
    const { text, reclaimed } = await pruneImages(call, { all, filters: call.flags.list("filter") });
    if (text) call.print(text);
    call.print(`Total reclaimed space: ${humanSize(reclaimed)}`);
  },
});

/** Removes unused images; answers Docker's list of them. */
export async function pruneImages(
  call: Call,
  o: { all: boolean; filters: readonly string[] },
): Promise<{ text: string; reclaimed: number }> {
  const query = { filters: filterQuery([...o.filters, `dangling=${!o.all}`]) };
  const answer = await call.engine.json<{ ImagesDeleted: { Untagged?: string; Deleted?: string }[] | null; SpaceReclaimed: number }>(
    "POST",
    "/images/prune",
    { query, signal: call.signal },
  );
  const lines = (answer.ImagesDeleted ?? []).map((one) => (one.Untagged ? `untagged: ${one.Untagged}` : `deleted: ${one.Deleted}`));
  return { text: lines.length > 0 ? `Deleted Images:\n${lines.join("\n")}\n` : "", reclaimed: answer.SpaceReclaimed };
}
