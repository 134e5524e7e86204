import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { GrpcStream } from "../grpc-client.ts";
import { type Manifest, receiveTree } from "./receive-tree.ts";
import { goMode, kindOf, packetType, permissionsOf } from "./wire-stat.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "receive-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Sent {
  readonly path: string;
  readonly mode: number;
  readonly content?: string;
  readonly linkname?: string;
  readonly modTime?: number;
}

/** A client with these entries: lists them, then answers each request, then the end. */
function client(entries: readonly Sent[], asked: string[] = []): GrpcStream {
  const requests: { type: number; ID: number }[] = [];
  const stat = (entry: Sent) => ({
    ...{
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
      size: entry.content?.length ?? 0,
      devmajor: 0,
      devminor: 0,
      xattrs: {},
    },
    ...{ path: entry.path, mode: goMode(entry.mode), linkname: entry.linkname ?? "", modTime: entry.modTime ?? 1_000_000_000_000_000_000 },
  });
  return {
    receivedBytes: 0,
    send: async () => {},
    post: (message) => requests.push(message as { type: number; ID: number }),
    endSending: () => {},
    cancel: () => {},
    async *[Symbol.asyncIterator]() {
      for (const entry of entries) yield { type: packetType.stat, stat: stat(entry), ID: 0, data: Buffer.alloc(0) };
      yield { type: packetType.stat, stat: null, ID: 0, data: Buffer.alloc(0) };
      for (let request = requests.shift(); request; request = requests.shift()) {
        if (request.type === packetType.finish) {
          yield { type: packetType.finish, ID: 0, data: Buffer.alloc(0) };
          return;
        }
        const entry = entries[request.ID ?? 0]!;
        asked.push(entry.path);
        yield { type: packetType.data, ID: request.ID ?? 0, data: Buffer.from(entry.content ?? "") };
        if (entry.content) yield { type: packetType.data, ID: request.ID ?? 0, data: Buffer.alloc(0) };
      }
    },
  };
}

const tree: Sent[] = [
  { path: "dir", mode: 0o040755 },
  { path: "dir/a", mode: 0o100640, content: "one" },
  { path: "dir/empty", mode: 0o100644 },
  { path: "dir/hard", mode: 0o100640, linkname: "dir/a" },
  { path: "link", mode: 0o120777, linkname: "dir/a" },
];

it("makes what is listed, with modes, times and links", async () => {
  const manifest = await receiveTree(client(tree), directory, {});
  expect(Object.keys(manifest)).toEqual(tree.map((entry) => entry.path));
  expect(readFileSync(join(directory, "dir/hard"), "utf8")).toBe("one");
  expect(readlinkSync(join(directory, "link"))).toBe("dir/a");
  const stat = statSync(join(directory, "dir/a"));
  expect([stat.mode & 0o7777, stat.nlink, stat.mtimeMs]).toEqual([0o640, 2, 1_000_000_000_000]);
});

it("asks only for what changed, and removes what is gone", async () => {
  const first = await receiveTree(client(tree), directory, {});
  const asked: string[] = [];
  const changed = tree
    .filter((entry) => entry.path !== "link")
    .map((entry) => (entry.path === "dir/empty" ? { ...entry, content: "x" } : entry));
  await receiveTree(client(changed, asked), directory, first);
  expect(asked).toEqual(["dir/empty"]);
  expect(existsSync(join(directory, "link"))).toBe(false);
  expect(statSync(join(directory, "dir")).mtimeMs).toBe(1_000_000_000_000);
  expect(asked).toEqual(["dir/empty"]);
});

it("says before it changes anything, and leaves alone what is as it was", async () => {
  const first = await receiveTree(client(tree), directory, {});
  const before = statSync(join(directory, "dir")).ctimeMs;
  let changes = 0;
  expect(await receiveTree(client(tree), directory, first, () => changes++)).toBe(first);
  expect([changes, statSync(join(directory, "dir")).ctimeMs]).toEqual([0, before]);
  await receiveTree(client(tree.slice(0, 2)), directory, first, () => changes++);
  expect(changes).toBe(1);
});

it("follows a file that becomes a directory, and back", async () => {
  let known: Manifest = await receiveTree(client([{ path: "x", mode: 0o100644, content: "f" }]), directory, {});
  known = await receiveTree(
    client([
      { path: "x", mode: 0o040755 },
      { path: "x/y", mode: 0o100644, content: "g" },
    ]),
    directory,
    known,
  );
  expect(readFileSync(join(directory, "x/y"), "utf8")).toBe("g");
  await receiveTree(client([{ path: "x", mode: 0o100644, content: "f" }]), directory, known);
  expect(readFileSync(join(directory, "x"), "utf8")).toBe("f");
});

it.each([
  [[{ path: "../x", mode: 0o100644 }]],
  [[{ path: "/etc/x", mode: 0o100644 }]],
  [[{ path: "a/../b", mode: 0o100644 }]],
  [
    [
      { path: "link", mode: 0o120777, linkname: "/tmp" },
      { path: "link/x", mode: 0o100644, content: "evil" },
    ],
  ],
  [[{ path: "nowhere/x", mode: 0o100644 }]],
  [[{ path: "hard", mode: 0o100644, linkname: "/etc/passwd" }]],
])("refuses %j, which has no place in the directory", async (entries: Sent[]) => {
  await expect(receiveTree(client(entries), directory, {})).rejects.toThrow(/that (has no place|it did not send)/);
});

it("keeps every kind and permission across Go's form of a mode", () => {
  for (const [mode, kind] of [
    [0o104755, "file"],
    [0o041777, "directory"],
    [0o120777, "symlink"],
    [0o010600, "fifo"],
    [0o020600, "character"],
    [0o060600, "block"],
    [0o140600, "socket"],
  ] as const) {
    expect([kindOf(goMode(mode)), permissionsOf(goMode(mode))]).toEqual([kind, mode & 0o7777]);
  }
});
