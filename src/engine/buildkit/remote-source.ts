import { mkdirSync, mkdtempSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import { cloneGit, fetchUrl, Progress, type Solved } from "../../build/index.ts";
import type { Protocol } from "./protocol.ts";
import type { SolveJob } from "./solve-job.ts";
import type { Definition } from "./wire.ts";

/** What a graph of BuildKit's operations names, where it is nothing but one thing of the net. */
export interface RemoteSource {
  readonly url: string;
  /** What a file is called in the result. */
  readonly filename: string;
  readonly isRepository: boolean;
  /** As its step is shown. */
  readonly name: string;
}

interface Op {
  readonly source?: { readonly identifier: string; readonly attrs: Readonly<Record<string, string>> } | null;
  readonly inputs: readonly unknown[];
  readonly [kind: string]: unknown;
}

/** Clients solve such a graph to read a Dockerfile or a bake file that has an address. Undefined for any other graph. */
export function remoteSource(protocol: Protocol, definition: Definition): RemoteSource | undefined {
  const ops = definition.def.map((bytes) => protocol.codec("pb.Op").decode(bytes) as unknown as Op); // solver/pb/ops.proto
  const isPlain = ops.every((op) => ["exec", "file", "build", "merge", "diff"].every((kind) => !op[kind]));
  const sources = ops.flatMap(({ source }) => source ?? []);
  const [source] = sources;
  if (!isPlain || sources.length !== 1 || !source) return undefined;
  const { identifier, attrs } = source;
  const isRepository = identifier.startsWith("git://");
  if (!isRepository && !/^https?:\/\//.test(identifier)) return undefined;
  const fragment = identifier.includes("#") ? identifier.slice(identifier.indexOf("#")) : "";
  const url = isRepository && attrs["git.fullurl"] ? `${attrs["git.fullurl"]}${fragment}` : identifier;
  const shown = Object.values(definition.metadata ?? {}).find((one) => one.description?.["llb.customname"]);
  return {
    url,
    filename: basename(attrs["http.filename"] || new URL(identifier).pathname) || "download",
    isRepository,
    name: shown?.description?.["llb.customname"] ?? url,
  };
}

/** Brings it into a directory below `directory`, which goes with the build. */
export async function fetchSource(source: RemoteSource, job: SolveJob, o: { directory: string; signal: AbortSignal }): Promise<Solved> {
  const progress = new Progress({ onEvent: (event) => job.tell(event) });
  const fetched = mkdtempSync(join(o.directory, "remote-"));
  job.removeAtEnd(fetched);
  const root = await progress.run(progress.declare(source.name), async () => {
    const tree = join(fetched, "tree");
    mkdirSync(tree);
    if (source.isRepository) return await cloneGit(source.url, tree, o.signal, {});
    const { file } = await fetchUrl(source.url, fetched, o.signal);
    renameSync(file, join(tree, source.filename));
    return tree;
  });
  const config = { architecture: "", os: "linux", config: {}, rootfs: { type: "layers" as const, diff_ids: [] } };
  return { config, chainIds: [], lowerDirs: [root], epochIso: undefined, logFile: "", cacheManifest: undefined, materials: [] };
}
