import { type BigIntStats, createReadStream, readlinkSync } from "node:fs";
import { deviceNumbers } from "../../../image/index.ts";
import { BerthError } from "../../../system/index.ts";
import type { GrpcStream } from "../grpc-client.ts";
import { goMode, kindOf, type Packet, packetType, type WireStat } from "./wire-stat.ts";

/** One entry of a tree that is sent: in order, a directory before what is in it. */
export interface SentEntry {
  readonly stat: WireStat;
  readonly hostPath: string;
}

/** The sending side of fsutil's transfer (tonistiigi/fsutil send.go): lists the tree, then gives each file that the receiver asks for. */
export async function sendTree(stream: GrpcStream, entries: Iterable<SentEntry>, onBytes: (total: number) => void): Promise<void> {
  const files = new Map<number, string>();
  let bytes = 0;
  const send = async (packet: object, size: number) => {
    await stream.send(packet);
    bytes += size;
    onBytes(bytes);
  };
  const list = async () => {
    let index = 0;
    for (const { stat, hostPath } of entries) {
      if (kindOf(stat.mode) === "file" && stat.linkname === "") files.set(index, hostPath);
      index++;
      await send({ type: packetType.stat, stat }, stat.path.length + 24);
    }
    await send({ type: packetType.stat }, 0);
  };
  const listing = list();
  listing.catch(() => {}); // awaited below, or the receiver's own error is the reason
  let sending = Promise.resolve();
  for await (const message of stream) {
    const packet = message as Packet; // decoded by the method's codec
    if (packet.type === packetType.error)
      throw new BerthError("build/context", `the client could not take the files: ${Buffer.from(packet.data).toString()}`);
    if (packet.type === packetType.request) {
      const path = files.get(packet.ID);
      if (path === undefined) throw new BerthError("build/context", `the client asked for a file that there is not (${packet.ID})`);
      sending = sending.then(async () => {
        for await (const chunk of createReadStream(path, { highWaterMark: 32 * 1024 }) as AsyncIterable<Buffer>)
          await send({ type: packetType.data, ID: packet.ID, data: chunk }, chunk.length);
        await send({ type: packetType.data, ID: packet.ID }, 0);
      });
      sending.catch(() => stream.cancel());
    } else if (packet.type === packetType.finish) {
      await listing;
      await sending;
      await stream.send({ type: packetType.finish });
      stream.endSending();
    }
  }
  await listing;
  await sending;
}

/** The entries of a tree of this machine. `timeMs` replaces every time of change. Of several names of one file the first has its content. */
export function* sentEntries(
  tree: ListedTree,
  timeMs?: number,
  directory = "",
  firstNames = new Map<string, string>(),
): Generator<SentEntry> {
  for (const entry of tree.list(directory)) {
    const { stat } = entry;
    const kind = kindOf(goMode(Number(stat.mode)));
    if (kind === "socket") continue;
    const inode = `${stat.dev} ${stat.ino}`;
    const first = kind === "file" && stat.nlink > 1n ? firstNames.get(inode) : undefined;
    if (kind === "file" && stat.nlink > 1n && first === undefined) firstNames.set(inode, entry.path);
    const { major, minor } = kind === "character" || kind === "block" ? deviceNumbers(Number(stat.rdev)) : { major: 0, minor: 0 };
    yield {
      hostPath: entry.hostPath,
      stat: {
        path: entry.path,
        mode: goMode(Number(stat.mode)),
        uid: Number(stat.uid),
        gid: Number(stat.gid),
        size: kind === "file" && first === undefined ? Number(stat.size) : 0,
        modTime: timeMs === undefined ? String(stat.mtimeNs) : String(BigInt(timeMs) * 1_000_000n),
        linkname: kind === "symlink" ? readlinkSync(entry.hostPath) : (first ?? ""),
        devmajor: major,
        devminor: minor,
        xattrs: {},
      },
    };
    if (kind === "directory") yield* sentEntries(tree, timeMs, entry.path, firstNames);
  }
}

export interface ListedTree {
  list(path: string): { path: string; hostPath: string; stat: BigIntStats }[];
}
