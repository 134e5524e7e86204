import { formatRows } from "../../render/format-rows.ts";
import { command } from "../command.ts";
import { listFormat } from "../format/format-flag.ts";
import { humanDuration, humanSize, table } from "../table.ts";

/** GET /system/df, as far as it is shown. */
export interface DiskUsage {
  readonly LayersSize: number;
  readonly Images: readonly {
    Id: string;
    RepoTags: readonly string[] | null;
    Created: number;
    Size: number;
    SharedSize: number;
    Containers: number;
  }[];
  readonly Containers: readonly {
    Id: string;
    Image: string;
    Command: string;
    Created: number;
    Names: readonly string[];
    State: string;
    Status: string;
    SizeRw?: number;
    Mounts?: readonly { Type: string }[];
  }[];
  readonly Volumes: readonly { Name: string; UsageData?: { Size: number; RefCount: number } }[];
  readonly BuildCache: readonly {
    ID: string;
    Type: string;
    Size: number;
    InUse: boolean;
    Shared: boolean;
    CreatedAt: string;
    LastUsedAt: string | null;
    UsageCount: number;
  }[];
}

export const df = command({
  usage: "[OPTIONS]",
  about: "Show docker disk usage",
  flags: `
    --format string  ${listFormat}
    -v, --verbose  Show detailed information on space usage
  `,
  run: async ({ engine, flags, print }) => {
    const usage = await engine.json<DiskUsage>("GET", "/system/df");
    const format = flags.text("format");
    if (flags.on("verbose")) {
      if (format === undefined || format === "table") print(verbose(usage));
      else for (const line of formatRows(format, [verboseFields(usage)])) print(line);
      return;
    }
    const rows = summary(usage);
    if (format !== undefined && format !== "table") for (const line of formatRows(format, rows)) print(line);
    else
      print(
        table(
          ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"],
          rows.map((one) => [one.Type, one.TotalCount, one.Active, one.Size, one.Reclaimable]),
        ),
      );
  },
});

function summary(usage: DiskUsage) {
  const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);
  const usedImages = usage.Images.filter((image) => image.Containers > 0);
  const unusedImages = sum(
    usage.Images.filter((image) => image.Containers <= 0).map((image) => image.Size - Math.max(0, image.SharedSize)),
  );
  const running = usage.Containers.filter((container) => /^(running|paused|restarting)$/.test(container.State));
  const volumeSize = (volume: DiskUsage["Volumes"][number]) => Math.max(0, volume.UsageData?.Size ?? 0);
  const usedVolumes = usage.Volumes.filter((volume) => (volume.UsageData?.RefCount ?? 0) > 0);
  const cacheSize = sum(usage.BuildCache.filter((one) => !one.Shared).map((one) => one.Size));
  return [
    line("Images", usage.Images.length, usedImages.length, usage.LayersSize, Math.min(unusedImages, usage.LayersSize)),
    line(
      "Containers",
      usage.Containers.length,
      running.length,
      sum(usage.Containers.map((one) => one.SizeRw ?? 0)),
      sum(usage.Containers.filter((one) => !running.includes(one)).map((one) => one.SizeRw ?? 0)),
    ),
    line(
      "Local Volumes",
      usage.Volumes.length,
      usedVolumes.length,
      sum(usage.Volumes.map(volumeSize)),
      sum(usage.Volumes.filter((one) => !usedVolumes.includes(one)).map(volumeSize)),
    ),
    line(
      "Build Cache",
      usage.BuildCache.length,
      usage.BuildCache.filter((one) => one.InUse).length,
      cacheSize,
      sum(usage.BuildCache.filter((one) => !one.InUse && !one.Shared).map((one) => one.Size)),
    ),
  ];
}

function line(type: string, total: number, active: number, size: number, reclaimable: number) {
  const share = size > 0 ? ` (${Math.floor((reclaimable * 100) / size)}%)` : "";
  return {
    Active: String(active),
    Reclaimable: `${humanSize(reclaimable)}${share}`,
    Size: humanSize(size),
    TotalCount: String(total),
    Type: type,
  };
}

/** What a template sees with --verbose. */
function verboseFields({ Images, Containers, Volumes, BuildCache }: DiskUsage): Record<string, unknown> {
  const labelled = Volumes.map((volume) => ({
    ...volume,
    Links: String(volume.UsageData?.RefCount ?? 0),
    Size: humanSize(Math.max(0, volume.UsageData?.Size ?? 0)),
  }));
  return { Images, Containers, Volumes: labelled, BuildCache };
}

function verbose(usage: DiskUsage): string {
  const age = (seconds: number) => `${humanDuration(Math.max(0, Date.now() / 1000 - seconds))} ago`;
  const images = usage.Images.map((image) => {
    const tag = image.RepoTags?.[0] ?? "<none>:<none>";
    const at = tag.lastIndexOf(":");
    const shared = Math.max(0, image.SharedSize);
    const id = image.Id.replace(/^sha256:/, "").slice(0, 12);
    const sizes = [humanSize(image.Size), humanSize(shared), humanSize(image.Size - shared)];
    return [tag.slice(0, at), tag.slice(at + 1), id, age(image.Created), ...sizes, String(Math.max(0, image.Containers))];
  });
  const containers = usage.Containers.map((one) => [
    one.Id.slice(0, 12),
    one.Image,
    `"${one.Command.slice(0, 19)}${one.Command.length > 19 ? "…" : ""}"`,
    String((one.Mounts ?? []).filter((mount) => mount.Type === "volume").length),
    humanSize(one.SizeRw ?? 0),
    age(one.Created),
    one.Status,
    one.Names.map((name) => name.replace(/^\//, "")).join(","),
  ]);
  const volumes = usage.Volumes.map((one) => [
    one.Name,
    String(one.UsageData?.RefCount ?? 0),
    humanSize(Math.max(0, one.UsageData?.Size ?? 0)),
  ]);
  const cache = usage.BuildCache.map((one) => [
    one.ID.slice(0, 12),
    one.Type,
    humanSize(one.Size),
    age(Date.parse(one.CreatedAt) / 1000),
    one.LastUsedAt ? age(Date.parse(one.LastUsedAt) / 1000) : "",
    String(one.UsageCount),
    String(one.Shared),
  ]);
  const cacheSize = usage.BuildCache.reduce((total, one) => total + (one.Shared ? 0 : one.Size), 0);
  return [
    "Images space usage:\n",
    table(["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS"], images),
    "\nContainers space usage:\n",
    table(["CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS", "NAMES"], containers),
    "\nLocal Volumes space usage:\n",
    table(["VOLUME NAME", "LINKS", "SIZE"], volumes),
    `\nBuild cache usage: ${humanSize(cacheSize)}\n`,
    table(["CACHE ID", "CACHE TYPE", "SIZE", "CREATED", "LAST USED", "USAGE", "SHARED"], cache),
  ].join("\n");
}
