import { type Call, command } from "../command.ts";
import { confirmed } from "../confirm.ts";
import { filterQuery } from "../filters.ts";
import { humanSize } from "../table.ts";
import { DockerExit, UsageError } from "../usage-error.ts";

export const prune = command({
  usage: "",
  about: "Remove build cache",
  flags: `
    -a, --all  Remove all unused build cache, not just dangling ones
    --filter filter...  Provide filter values (e.g. "until=24h")
    -f, --force  Do not prompt for confirmation
    --keep-storage bytes  Amount of disk space to keep for cache
    --max-used-space bytes  Maximum amount of disk space allowed to keep for cache
    --reserved-space bytes  Amount of disk space always allowed to keep for cache
  `,
  run: async (call) => {
    const warning = "WARNING! This will remove all build cache.";
    if (!call.flags.on("force") && !(await confirmed(call, warning))) throw new DockerExit(0);
    const keep = call.flags.text("reserved-space") ?? call.flags.text("max-used-space") ?? call.flags.text("keep-storage");
    const { text, reclaimed } = await pruneBuildCache(call, { filters: call.flags.list("filter"), ...(keep ? { keep } : {}) });
    if (text) call.print(text);
    call.print(`Total:\t${humanSize(reclaimed)}`);
  },
});

/** Removes build cache; answers Docker's list of it. */
export async function pruneBuildCache(
  call: Call,
  o: { filters: readonly string[]; keep?: string },
): Promise<{ text: string; reclaimed: number }> {
  const query = { all: true, filters: filterQuery(o.filters), "reserved-space": o.keep === undefined ? undefined : byteCount(o.keep) };
  const answer = await call.engine.json<{ CachesDeleted: string[] | null; SpaceReclaimed: number }>("POST", "/build/prune", {
    query,
    signal: call.signal,
  });
  const ids = (answer.CachesDeleted ?? []).map((key) => key.slice(0, 25));
  return { text: ids.length > 0 ? `Deleted build cache objects:\n${ids.join("\n")}\n` : "", reclaimed: answer.SpaceReclaimed };
}

/** go-units' RAMInBytes: "512m", "20GB", "1024". @throws UsageError */
export function byteCount(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text.trim());
  if (!match) throw new UsageError(`invalid size: '${text}'`);
  return Math.floor(Number(match[1]) * 1024 ** ["", "k", "m", "g", "t", "p"].indexOf((match[2] ?? "").toLowerCase()));
}
