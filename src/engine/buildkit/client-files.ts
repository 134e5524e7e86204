import type { ClientFiles } from "../../build/index.ts";
import type { ClientSession } from "./client-session.ts";
import type { Lease, LocalSources } from "./files/local-sources.ts";
import { receiveTree } from "./files/receive-tree.ts";

/**
 * The directories of a client's sessions, for one build. What a session with a shared key sent is kept for its next build.
 * `release` has to be called when nothing reads the directories any more.
 */
export function clientFiles(o: {
  sources: LocalSources;
  context: string;
  dockerfile: string | undefined;
  sessionOf: (local: string) => Promise<ClientSession>;
}): ClientFiles & { release(): void } {
  const leases: Lease[] = [];
  return {
    context: o.context,
    dockerfile: o.dockerfile,
    fetch: async (name, { excludes, followPaths, signal, onBytes }) => {
      const session = await o.sessionOf(name);
      const reuse = session.sharedKey !== "";
      const lease = o.sources.lease(JSON.stringify([session.sharedKey || session.id, name, followPaths ?? null]), { reuse });
      leases.push(lease);
      const ended = new AbortController();
      const stream = session.open("moby.filesync.v1.FileSync", "DiffCopy", {
        signal: AbortSignal.any([signal, ended.signal]),
        metadata: encoded({
          "dir-name": [name],
          ...(excludes ? { "exclude-patterns": excludes } : {}),
          ...(followPaths ? { followpaths: followPaths } : {}),
        }),
      });
      const watch = setInterval(() => onBytes(stream.receivedBytes), 100);
      try {
        const manifest = await receiveTree(stream, lease.directory, lease.manifest, lease.change);
        onBytes(stream.receivedBytes);
        lease.keep(manifest, `local source for ${name}`);
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      } finally {
        clearInterval(watch);
        ended.abort();
      }
      return lease.directory;
    },
    release: () => {
      for (const lease of leases) lease.release();
    },
  };
}

/** Values with other characters than ASCII travel as in a URL's query, and a key beside them says so (session/filesync of BuildKit). */
function encoded(metadata: Readonly<Record<string, readonly string[]>>): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(metadata).flatMap(([key, values]): [string, readonly string[]][] => {
      if (values.length === 0) return [];
      if (values.every((value) => /^[\x20-\x7e]*$/.test(value))) return [[key, values]];
      return [
        [key, values.map((value) => encodeURIComponent(value).replaceAll("%20", "+"))],
        [`${key}-encoded`, ["1"]],
      ];
    }),
  );
}
