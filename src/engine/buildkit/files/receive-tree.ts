import {
  chmodSync,
  closeSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { join, posix } from "node:path";
import { BerthError } from "../../../system/index.ts";
import type { GrpcStream } from "../grpc-client.ts";
import { kindOf, type Packet, packetType, permissionsOf, type WireStat } from "./wire-stat.ts";

/** What a directory holds, by path: every attribute of an entry as one text. Equal texts mean that nothing has to be sent again. */
export type Manifest = Readonly<Record<string, string>>;

/**
 * The receiving side of fsutil's transfer (tonistiigi/fsutil receive.go): the sender lists its tree in order, the receiver asks for the files
 * that `known` does not have like that, and removes what is not listed. `known` has to describe `directory` exactly. An entry whose parent
 * was not listed as a directory is refused, so nothing is written through a link or outside. `beforeChange` is called once, before the first
 * change of the directory; where there is none, `known` itself is answered.
 * @throws BerthError build/context for a list that breaks these rules or for the sender's own error
 */
export async function receiveTree(
  stream: GrpcStream,
  directory: string,
  known: Manifest,
  beforeChange: () => void = () => {},
): Promise<Manifest> {
  // Directories whose content or attributes change: their time is set at the end.
  const touched = new Set<string>();
  const change = (path: string) => {
    if (touched.size === 0) beforeChange();
    touched.add(posix.dirname(path)).add(path);
  };
  const seen = new Map<string, { text: string; kind: string }>();
  const wanted = new Map<number, { stat: WireStat; fd: number | undefined }>();
  const directories: WireStat[] = [];
  const links: WireStat[] = [];
  const renewed = new Set<string>();
  let index = 0;
  let listed = false;
  let finished = false;
  try {
    for await (const message of stream) {
      const packet = message as Packet; // decoded by the method's codec
      if (packet.type === packetType.error)
        throw new BerthError("build/context", `the client could not send its files: ${Buffer.from(packet.data).toString()}`);
      if (packet.type === packetType.stat && packet.stat) {
        const id = index++;
        const stat = packet.stat;
        const kind = kindOf(stat.mode);
        checkPlace(stat, kind, seen);
        const text = describe(stat);
        seen.set(stat.path, { text, kind });
        if (kind === "directory") directories.push(stat);
        const isLink = kind === "file" && stat.linkname !== "";
        if (known[stat.path] === text && !(isLink && renewed.has(stat.linkname))) continue;
        change(stat.path);
        if (isLink) links.push(stat);
        else if (kind !== "file") make(directory, stat, kind, known);
        else {
          renewed.add(stat.path);
          rmSync(join(directory, stat.path), { recursive: true, force: true });
          wanted.set(id, { stat, fd: undefined });
          stream.post({ type: packetType.request, ID: id });
        }
      } else if (packet.type === packetType.stat) listed = true;
      else if (packet.type === packetType.data) write(directory, packet, wanted);
      else if (packet.type === packetType.finish) stream.endSending();
      if (listed && wanted.size === 0 && !finished) {
        finished = true;
        stream.post({ type: packetType.finish });
      }
    }
    if (!finished) throw new BerthError("build/context", "the client stopped sending its files");
  } finally {
    for (const { fd } of wanted.values()) if (fd !== undefined) closeSync(fd);
  }
  // What was below an entry that is no directory any more has gone with it.
  const stillThere = (path: string) => posix.dirname(path) === "." || seen.get(posix.dirname(path))?.kind === "directory";
  for (const path of Object.keys(known)) {
    if (seen.has(path) || !stillThere(path)) continue;
    change(path);
    rmSync(join(directory, path), { recursive: true, force: true });
  }
  if (touched.size === 0) return known;
  for (const { path, linkname } of links) {
    rmSync(join(directory, path), { recursive: true, force: true });
    linkSync(join(directory, linkname), join(directory, path));
  }
  // A directory's own time changes with its content: last, and the deepest first.
  for (const stat of directories.reverse()) if (touched.has(stat.path)) utimesSync(join(directory, stat.path), ...times(stat));
  return Object.fromEntries([...seen].map(([path, { text }]) => [path, text]));
}

function checkPlace(stat: WireStat, kind: string, seen: ReadonlyMap<string, { kind: string }>): void {
  const { path, linkname } = stat;
  const parent = posix.dirname(path);
  const plain = path !== "" && path !== "." && !path.startsWith("/") && posix.normalize(path) === path && !path.split("/").includes("..");
  if (!plain || path.includes("\0") || (parent !== "." && seen.get(parent)?.kind !== "directory") || seen.has(path))
    throw new BerthError("build/context", `the client sent an entry that has no place: ${JSON.stringify(path)}`);
  if (kind === "file" && linkname !== "" && seen.get(linkname)?.kind !== "file")
    throw new BerthError("build/context", `the client sent a link to a file that it did not send: ${JSON.stringify(linkname)}`);
}

function describe(stat: WireStat): string {
  const xattrs = Object.entries(stat.xattrs).map(([name, value]) => `${name}=${Buffer.from(value).toString("base64")}`);
  return [stat.mode, stat.uid, stat.gid, stat.size, stat.modTime, stat.devmajor, stat.devminor, stat.linkname, ...xattrs.sort()].join(" ");
}

/** Everything that needs no content and no other entry. */
function make(root: string, stat: WireStat, kind: string, known: Manifest): void {
  const path = join(root, stat.path);
  const mode = permissionsOf(stat.mode);
  switch (kind) {
    case "directory": {
      const before = known[stat.path];
      const wasDirectory = before !== undefined && kindOf(Number(before.split(" ")[0])) === "directory";
      if (!wasDirectory) {
        rmSync(path, { recursive: true, force: true });
        mkdirSync(path);
      }
      lchownSync(path, stat.uid, stat.gid);
      chmodSync(path, mode);
      return;
    }
    case "symlink":
      rmSync(path, { recursive: true, force: true });
      symlinkSync(stat.linkname, path);
      lchownSync(path, stat.uid, stat.gid);
      lutimesSync(path, ...times(stat));
      return;
    case "socket":
      return; // No build step sees one.
    default:
      throw new BerthError("build/context", `${stat.path} in the build context is a ${kind} file, which cannot be sent`, {
        hint: "Exclude it by .dockerignore.",
      });
  }
}

function write(root: string, { ID, data }: Packet, wanted: Map<number, { stat: WireStat; fd: number | undefined }>): void {
  const file = wanted.get(ID);
  if (!file) throw new BerthError("build/context", `the client sent a file that it was not asked for (${ID})`);
  const { stat } = file;
  file.fd ??= openSync(join(root, stat.path), "wx", 0o600);
  let at = 0;
  while (at < data.length) at += writeSync(file.fd, data, at);
  if (data.length > 0) return;
  fchownSync(file.fd, stat.uid, stat.gid);
  fchmodSync(file.fd, permissionsOf(stat.mode));
  futimesSync(file.fd, ...times(stat));
  closeSync(file.fd);
  wanted.delete(ID);
}

function times(stat: WireStat): [number, number] {
  const seconds = Number(stat.modTime) / 1e9;
  return [seconds, seconds];
}
