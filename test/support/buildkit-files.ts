import type { handleBidiStreamingCall, ServerDuplexStream } from "@grpc/grpc-js";
import { goMode, type Packet, packetType } from "../../src/engine/buildkit/files/wire-stat.ts";

/**
 * FileSync/DiffCopy of a client with these directories (name -> path -> content, directories end with a slash). `asked` gets the path of each
 * file that was asked for.
 */
export function fileSync(
  directories: Readonly<Record<string, Readonly<Record<string, string>>>>,
  asked: string[] = [],
): handleBidiStreamingCall<Packet, object> {
  return (call) => {
    const name = String(call.metadata.get("dir-name")[0]);
    const follow = call.metadata.get("followpaths").map(String);
    const exclude = call.metadata.get("exclude-patterns").map(String);
    const wanted = (path: string) =>
      (follow.length === 0 || follow.some((one) => path === one || path.startsWith(`${one}/`) || one.startsWith(path))) &&
      !exclude.some((one) => path === one || path.startsWith(`${one}/`));
    const entries = Object.entries(directories[name] ?? {})
      .map(([path, content]) => ({ path: path.replace(/\/$/, ""), isDirectory: path.endsWith("/"), content }))
      .filter(({ path }) => wanted(path))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
    for (const { path, isDirectory, content } of entries) {
      const stat = { path, mode: goMode(isDirectory ? 0o040755 : 0o100644), size: content.length, modTime: 1e18 + content.length * 1e9 };
      call.write({ type: packetType.stat, stat });
    }
    call.write({ type: packetType.stat });
    call.on("data", (packet: Packet) => answer(call, packet, entries, asked));
  };
}

function answer(
  call: ServerDuplexStream<Packet, object>,
  packet: Packet,
  entries: { path: string; content: string }[],
  asked: string[],
): void {
  if (packet.type === packetType.request) {
    const entry = entries[packet.ID];
    asked.push(entry?.path ?? "?");
    if (entry?.content) call.write({ type: packetType.data, ID: packet.ID, data: Buffer.from(entry.content) });
    call.write({ type: packetType.data, ID: packet.ID });
  }
  if (packet.type === packetType.finish) {
    call.write({ type: packetType.finish });
    call.end();
  }
}
