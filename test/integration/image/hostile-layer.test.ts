import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { layerTar } from "../../../src/image/layer-diff.ts";
import { LayerUnpacker, type UnpackLimits } from "../../../src/image/layer-unpack.ts";
import { type TarEntry, TarReader } from "../../../src/image/tar-reader.ts";
import { padding, tarEnd, tarHeader } from "../../../src/image/tar-writer.ts";
import { syscalls } from "../../../src/system/index.ts";

let base: string;
let root: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "hostile-"));
  root = join(base, "layer");
  mkdirSync(root);
  writeFileSync(join(base, "secret"), "secret");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

type Member = Partial<TarEntry> & { name: string; content?: string };

function unpack(members: readonly Member[], limits?: UnpackLimits): void {
  const unpacker = new LayerUnpacker(root, limits ? { limits } : {});
  const reader = new TarReader(unpacker);
  for (const { content = "", ...m } of members) {
    const plain = { type: "file" as const, linkName: "", mode: 0o755, uid: 0, gid: 0, mtime: 1, major: 0, minor: 0, xattrs: new Map() };
    reader.push(Buffer.concat([tarHeader({ ...plain, ...m, size: content.length }), Buffer.from(content), padding(content.length)]));
  }
  reader.push(tarEnd);
  reader.end();
  unpacker.finish();
}

test("a name with .. is refused", () => {
  expect(() => unpack([{ name: "../escaped", content: "x" }])).toThrow("points outside");
  expect(() => unpack([{ name: "a/../../escaped", content: "x" }])).toThrow("points outside");
  expect(existsSync(join(base, "escaped"))).toBe(false);
});

test("an absolute name is inside", () => {
  unpack([{ name: "/abs/file", content: "x" }]);
  expect(readFileSync(join(root, "abs/file"), "utf8")).toBe("x");
});

test("a link that leads out leads to the root of the layer instead", () => {
  unpack([
    { name: "out", type: "symlink", linkName: base },
    { name: "out/file", content: "x" },
    { name: "up", type: "symlink", linkName: "../../.." },
    { name: "up/other", content: "y" },
  ]);
  expect(existsSync(join(base, "file"))).toBe(false);
  expect(readFileSync(join(root, base, "file"), "utf8")).toBe("x");
  expect(readFileSync(join(root, "other"), "utf8")).toBe("y");
});

test("a file replaces a link of its name and does not write through it", () => {
  unpack([
    { name: "f", type: "symlink", linkName: join(base, "secret") },
    { name: "f", content: "x" },
  ]);
  expect(readFileSync(join(base, "secret"), "utf8")).toBe("secret");
  expect(lstatSync(join(root, "f")).isFile()).toBe(true);
});

test("a hard link to something outside is refused", () => {
  expect(() => unpack([{ name: "h", type: "link", linkName: "../secret" }])).toThrow("points outside");
  expect(() => unpack([{ name: "h", type: "link", linkName: join(base, "secret") }])).toThrow("not in the image");
});

test("names with newlines and bytes that are no text survive", () => {
  unpack([
    { name: "a\nb", content: "x" },
    { name: "\xff\xfe", content: "y" },
  ]);
  const names: string[] = [];
  const reader = new TarReader({ entry: (e) => names.push(e.name), data: () => undefined, endEntry: () => undefined });
  for (const piece of layerTar(root)) reader.push(piece);
  expect(names).toEqual(["a\nb", "\xff\xfe"]);
});

test("an archive that is too large is refused while it unpacks", () => {
  const many = Array.from({ length: 5 }, (_, at) => ({ name: `f${at}`, content: "xxxx" }));
  expect(() => unpack(many, { maxEntries: 3, maxBytes: 1000 })).toThrow("more than 3 entries");
  expect(() => unpack(many, { maxEntries: 100, maxBytes: 10 })).toThrow("more than 10 bytes");
});

test("overlay's own attributes in an archive are ignored", () => {
  unpack([{ name: "d/", type: "dir", xattrs: new Map([["trusted.overlay.redirect", Buffer.from("/etc")]]) }]);
  expect(syscalls().lgetxattr(join(root, "d"), "trusted.overlay.redirect")).toBeUndefined();
});

test("whiteouts, opaque directories and devices come back as they were", () => {
  unpack([
    { name: "d/", type: "dir" },
    { name: "d/.wh..wh..opq" },
    { name: "d/.wh.gone" },
    { name: "null", type: "char", major: 1, minor: 3 },
  ]);
  expect(lstatSync(join(root, "d/gone")).rdev).toBe(0);
  expect(syscalls().lgetxattr(join(root, "d"), "trusted.overlay.opaque")?.toString()).toBe("y");
  const seen: string[] = [];
  const reader = new TarReader({
    entry: (e) => seen.push(`${e.type} ${e.name} ${e.major}:${e.minor}`),
    data: () => undefined,
    endEntry: () => undefined,
  });
  for (const piece of layerTar(root)) reader.push(piece);
  expect(seen).toEqual(["dir d/ 0:0", "file d/.wh..wh..opq 0:0", "file d/.wh.gone 0:0", "char null 1:3"]);
});
