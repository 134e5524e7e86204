import { pruneBuildCache } from "../builder/prune.ts";
import { type Call, command } from "../command.ts";
import { confirmed } from "../confirm.ts";
import { filterQuery } from "../filters.ts";
import { pruneImages } from "../image/prune.ts";
import { humanSize } from "../table.ts";
import { DockerExit } from "../usage-error.ts";

export const prune = command({
  usage: "[OPTIONS]",
  about: "Remove unused data",
  flags: `
    -a, --all  Remove all unused images not just dangling ones
    --filter filter...  Provide filter values (e.g. "label=<key>=<value>")
    -f, --force  Do not prompt for confirmation
    --volumes  Prune anonymous volumes
  `,
  run: async (call) => {
    const { flags } = call;
    const [all, volumes] = [flags.on("all"), flags.on("volumes")];
    if (volumes && flags.list("filter").some((text) => text.startsWith("until=")))
      throw new DockerExit(1, 'ERROR: The "until" filter is not supported with "--volumes"');
    if (!flags.on("force") && !(await confirmed(call, warning({ all, volumes })))) throw new DockerExit(0);
    const filters = flags.list("filter");
    const parts = [await pruneKind(call, "containers", "Containers", "ContainersDeleted", filters)];
    parts.push(await pruneKind(call, "networks", "Networks", "NetworksDeleted", filters));
    if (volumes) parts.push(await pruneKind(call, "volumes", "Volumes", "VolumesDeleted", filters));
    parts.push(await pruneImages(call, { all, filters }));
    const ages = filters.filter((text) => /^until=/.test(text));
    // A label says nothing about build cache.
    if (ages.length === filters.length) parts.push(await pruneBuildCache(call, { filters: ages }));
    for (const { text } of parts) if (text) call.print(text);
    call.print(`Total reclaimed space: ${humanSize(parts.reduce((sum, part) => sum + part.reclaimed, 0))}`);
  },
});

async function pruneKind(
  call: Call,
  path: "containers" | "networks" | "volumes",
  title: string,
  key: string,
  filters: readonly string[],
): Promise<{ text: string; reclaimed: number }> {
  // Volumes have no age that counts for Docker.
  const fitting = path === "volumes" ? filters.filter((text) => !text.startsWith("until=")) : filters;
  const query = { filters: filterQuery(fitting) };
  const answer = await call.engine.json<Record<string, string[] | number | null>>("POST", `/${path}/prune`, { query, signal: call.signal });
  const names = answer[key];
  const reclaimed = answer["SpaceReclaimed"];
  return {
    text: Array.isArray(names) && names.length > 0 ? `Deleted ${title}:\n${names.join("\n")}\n` : "",
    reclaimed: typeof reclaimed === "number" ? reclaimed : 0,
  };
}

function warning(o: { all: boolean; volumes: boolean }): string {
  return [
    "WARNING! This will remove:",
    "  - all stopped containers",
    "  - all networks not used by at least one container",
    ...(o.volumes ? ["  - all anonymous volumes not used by at least one container"] : []),
    o.all ? "  - all images without at least one container associated to them" : "  - all dangling images",
    o.all ? "  - all build cache" : "  - unused build cache",
    "",
  ].join("\n");
}
