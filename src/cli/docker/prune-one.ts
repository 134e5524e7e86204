import { type Call, command, type DockerCommand } from "./command.ts";
import { confirmed } from "./confirm.ts";
import { filterQuery } from "./filters.ts";
import { humanSize } from "./table.ts";
import { DockerExit } from "./usage-error.ts";

/** `container prune`, `volume prune`: asks, removes, lists what is gone and what that frees. */
function pruneCommand(o: {
  path: string;
  about: string;
  title: string;
  key: string;
  example: string;
  flags?: string;
  what: (call: Call) => string;
  filters?: (call: Call) => readonly string[];
}): DockerCommand {
  return command({
    usage: "[OPTIONS]",
    about: o.about,
    flags: `${o.flags ?? ""}
      --filter filter...  Provide filter values (e.g. "${o.example}")
      -f, --force  Do not prompt for confirmation
    `,
    run: async (call) => {
      const { engine, flags, print } = call;
      if (!flags.on("force") && !(await confirmed(call, `WARNING! This will remove ${o.what(call)}.`))) throw new DockerExit(0);
      const filters = filterQuery([...flags.list("filter"), ...(o.filters?.(call) ?? [])]);
      const answer = await engine.json<Record<string, unknown>>("POST", `/${o.path}/prune`, { query: { filters } });
      const gone = (answer[o.key] ?? []) as string[]; // the API's own list of names
      if (gone.length > 0) print(`Deleted ${o.title}:\n${gone.join("\n")}\n`);
      print(`Total reclaimed space: ${humanSize(Number(answer["SpaceReclaimed"] ?? 0))}`);
    },
  });
}

export const pruneContainers = pruneCommand({
  path: "containers",
  about: "Remove all stopped containers",
  title: "Containers",
  key: "ContainersDeleted",
  example: "until=<timestamp>",
  what: () => "all stopped containers",
});

export const pruneVolumes = pruneCommand({
  path: "volumes",
  about: "Remove unused local volumes",
  title: "Volumes",
  key: "VolumesDeleted",
  example: "label=<label>",
  flags: "-a, --all  Remove all unused volumes, not just anonymous ones",
  what: ({ flags }) => `${flags.on("all") ? "all" : "anonymous"} local volumes not used by at least one container`,
  filters: ({ flags }) => (flags.on("all") ? ["all=1"] : []),
});
