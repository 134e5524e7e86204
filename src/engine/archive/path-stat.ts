import { readlinkSync, type Stats } from "node:fs";
import { posix } from "node:path";
import type { OpenDirectory, RootDirectory } from "../../runtime/index.ts";
import { BerthError, errnoOf } from "../../system/index.ts";

/** What an archive request names: an entry of a directory, or (path "/", ".." or ending in "/" or "/.") a directory itself. */
export interface NamedPath {
  readonly stat: Stats;
  /** The name that the entry has in the archive: the last component of what was asked. */
  readonly shown: string;
  /** Set for a directory itself. */
  readonly directory?: OpenDirectory;
  /** Otherwise where the entry is. */
  readonly parent?: OpenDirectory;
  readonly name?: string;
  [Symbol.dispose](): void;
}

/**
 * Finds a path by Docker's rules: the last component is not followed, unless "/" or "/." follows it. The caller closes what it gets.
 * @throws BerthError api/not-found
 */
export function namedPath(root: RootDirectory, asked: string, container: string): NamedPath {
  const bytes = Buffer.from(asked).toString("latin1");
  const isItself = bytes.endsWith("/") || bytes.endsWith("/.") || bytes === "." || bytes.endsWith("..");
  const clean = posix.normalize(`/${bytes}`).replace(/(.)\/$/, "$1");
  const missing = () => new BerthError("api/not-found", `Could not find the file ${asked} in container ${container}`);
  try {
    if (isItself || clean === "/") {
      const directory = root.directory(clean);
      const shown = bytes.endsWith("/.") || bytes === "." ? "." : clean === "/" ? "/" : posix.basename(clean);
      return { stat: directory.stat(), shown, directory, [Symbol.dispose]: () => directory.close() };
    }
    const [parent, name] = [root.directory(posix.dirname(clean)), posix.basename(clean)];
    const stat = parent.lstat(name);
    if (stat) return { stat, shown: name, parent, name, [Symbol.dispose]: () => parent.close() };
    parent.close();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== "ENOENT" && errno !== "ENOTDIR" && errno !== "ELOOP") throw error;
  }
  throw missing();
}

/** The header X-Docker-Container-Path-Stat: base64 of JSON, the mode as Go's os.FileMode, a link's target with all links followed. */
export function pathStatHeader(root: RootDirectory, asked: string, found: NamedPath): string {
  const { stat } = found;
  const linkTarget =
    stat.isSymbolicLink() && found.parent && found.name !== undefined ? root.resolved(Buffer.from(asked).toString("latin1")) : "";
  const size =
    stat.isSymbolicLink() && found.parent && found.name ? readlinkSync(found.parent.path(found.name), "latin1").length : stat.size;
  const json = { name: text(found.shown), size, mode: goMode(stat), mtime: stat.mtime.toISOString(), linkTarget: text(linkTarget) };
  return Buffer.from(JSON.stringify(json)).toString("base64");
}

/** os.FileMode of Go: the kind in the top bits, setuid, setgid and sticky above the nine of the permissions. */
function goMode(stat: Stats): number {
  const kind = stat.isDirectory()
    ? 2 ** 31
    : stat.isSymbolicLink()
      ? 2 ** 27
      : stat.isFIFO()
        ? 2 ** 25
        : stat.isSocket()
          ? 2 ** 24
          : stat.isBlockDevice()
            ? 2 ** 26
            : stat.isCharacterDevice()
              ? 2 ** 26 + 2 ** 21
              : 0;
  const special = (stat.mode & 0o4000 ? 2 ** 23 : 0) + (stat.mode & 0o2000 ? 2 ** 22 : 0) + (stat.mode & 0o1000 ? 2 ** 20 : 0);
  return kind + special + (stat.mode & 0o777);
}

const text = (bytes: string) => Buffer.from(bytes, "latin1").toString();
