import { decompressed, TarReader, tarEnd } from "../../image/index.ts";
import { type ContainerUser, RootDirectory, readInside, resolveUser } from "../../runtime/index.ts";
import { BerthError, errnoOf, messageOf } from "../../system/index.ts";
import { containerEvent } from "../containers/container-event.ts";
import type { ContainerRecord } from "../containers/container-record.ts";
import type { Containers } from "../containers/containers.ts";
import type { EventBus } from "../event-bus.ts";
import { type Call, type Route, route, sendEmpty, sendStream } from "../http/http.ts";
import { flag } from "../http/query-values.ts";
import { type NamedPath, namedPath, pathStatHeader } from "./path-stat.ts";
import { directoryArchive, directoryHeader, entryArchive } from "./read-archive.ts";
import { ArchiveWriter } from "./write-archive.ts";

/**
 * HEAD, GET and PUT /containers/{id}/archive: files out of and into a container, as streams. A running container is seen through its process, a
 * stopped one is mounted meanwhile, with its volumes.
 */
export function archiveRoutes({ containers, events }: { containers: Containers; events: EventBus }): Route[] {
  const pathStat = "X-Docker-Container-Path-Stat";
  return [
    route("HEAD", "/containers/{id}/archive", async (call) => {
      const { record, path, ref } = asked(call, containers);
      await withRootDirectory(containers, record, async (root) => {
        using found = namedPath(root, path, ref);
        call.response.setHeader(pathStat, pathStatHeader(root, path, found));
      });
      sendEmpty(call.response, 200);
    }),
    route("GET", "/containers/{id}/archive", async (call) => {
      const { record, path, ref } = asked(call, containers);
      await withRootDirectory(containers, record, async (root) => {
        using found = namedPath(root, path, ref);
        call.response.setHeader(pathStat, pathStatHeader(root, path, found));
        call.response.setHeader("Content-Type", "application/x-tar");
        containerEvent(events, record, "archive-path");
        await sendStream(call, archiveOf(found));
      });
    }),
    route("PUT", "/containers/{id}/archive", async (call) => {
      const { record, path, ref } = asked(call, containers);
      await withRootDirectory(containers, record, async (root, hostPath) => {
        const at = extractionPoint(root, path, ref);
        checkWritable(record, `/${at}`);
        const owner = flag(call.query, "copyUIDGID") && record.Config.User ? userOf(record, hostPath) : undefined;
        const noOverwriteDirNonDir = flag(call.query, "noOverwriteDirNonDir");
        const writer = new ArchiveWriter(root, at, { noOverwriteDirNonDir, ...(owner ? { owner } : {}) });
        try {
          const reader = new TarReader(writer);
          for await (const chunk of decompressed(call.request)) reader.push(chunk);
          reader.end();
          writer.finish();
        } catch (error) {
          throw asAnswer(error, path, ref);
        } finally {
          writer.close();
        }
        containerEvent(events, record, "extract-to-dir");
      });
      sendEmpty(call.response, 200);
    }),
  ];
}

function asked(call: Call, containers: Containers): { record: ContainerRecord; path: string; ref: string } {
  const ref = decodeURIComponent(call.params[0] ?? "");
  const record = containers.get(ref);
  const path = call.query.get("path");
  if (!path) throw new BerthError("api/bad-parameter", "bad parameter: path cannot be empty");
  return { record, path, ref };
}

function withRootDirectory(
  containers: Containers,
  record: ContainerRecord,
  work: (root: RootDirectory, hostPath: string) => Promise<void>,
): Promise<void> {
  return containers.withRoot(record.Id, async (hostPath) => {
    using root = new RootDirectory(hostPath);
    await work(root, hostPath);
  });
}

async function* archiveOf(found: NamedPath): AsyncGenerator<Buffer> {
  const { shown, stat, directory, parent, name = "" } = found;
  const prefix = shown.endsWith("/") ? shown : `${shown}/`;
  if (directory) {
    yield directoryHeader(shown, stat);
    yield* directoryArchive(directory, prefix);
  } else if (parent && stat.isDirectory()) {
    yield directoryHeader(shown, stat);
    using inner = parent.child(name);
    yield* directoryArchive(inner, prefix);
  } else if (parent) {
    yield* entryArchive(parent, name, shown, stat);
    yield tarEnd;
  }
}

/** The directory that is written to, as the container names it, without the leading "/". @throws BerthError api/not-found, api/bad-parameter */
function extractionPoint(root: RootDirectory, path: string, ref: string): string {
  using found = namedPath(root, path, ref);
  const resolved = root.resolved(Buffer.from(path).toString("latin1")).slice(1);
  if (found.stat.isDirectory()) return resolved;
  if (!found.stat.isSymbolicLink() || !root.isDirectory(resolved))
    throw new BerthError("api/bad-parameter", "extraction point is not a directory");
  return resolved;
}

/** @throws BerthError api/bad-parameter where the container itself may not write there either */
function checkWritable(record: ContainerRecord, path: string): void {
  const mount = record.Mounts.filter(({ Destination: at }) => path === at || path.startsWith(`${at}/`)).sort(
    (a, b) => b.Destination.length - a.Destination.length,
  )[0];
  if (mount && !mount.RW) throw new BerthError("api/bad-parameter", "mounted volume is marked read-only");
  if (!mount && record.HostConfig.ReadonlyRootfs && !inTmpfs(record, path))
    throw new BerthError("api/bad-parameter", "container rootfs is marked read-only");
}

function inTmpfs(record: ContainerRecord, path: string): boolean {
  return Object.keys(record.HostConfig.Tmpfs ?? {}).some((at) => path === at || path.startsWith(`${at}/`));
}

/** What an archive names and the container does not have is the client's mistake; what else its file system refuses is told in the system's words. */
function asAnswer(error: unknown, path: string, ref: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined || (error instanceof BerthError && error.code !== "system/syscall")) return error;
  if (errno === "ENOENT") return new BerthError("api/not-found", `Could not find the file ${path} in container ${ref}`, { cause: error });
  return new BerthError("system/syscall", `cannot write to ${path} in container ${ref}: ${messageOf(error)}`, { cause: error });
}

function userOf(record: ContainerRecord, hostPath: string): ContainerUser {
  return resolveUser(record.Config.User ?? "", readInside(hostPath, "/etc/passwd"), readInside(hostPath, "/etc/group"));
}
