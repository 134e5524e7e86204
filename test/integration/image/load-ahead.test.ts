import { createHash, randomBytes } from "node:crypto";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ImageStore, loadArchive } from "../../../src/image/index.ts";
import { type TarEntry, tarArchive } from "../../support/busybox-image.ts";

const { signal } = new AbortController();
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const big = (name: string): TarEntry => ({ name, data: randomBytes(3 << 20) });

let rootDir: string;
let store: ImageStore;
beforeEach(() => {
  rootDir = mkdtempSync(join(tmpdir(), "load-ahead-"));
  store = new ImageStore({ rootDir });
  store.open();
});
afterEach(async () => {
  await store.close();
  expect(readdirSync(join(rootDir, "tmp"))).toEqual([]);
  rmSync(rootDir, { recursive: true, force: true });
});

/** A docker-archive of one image, its layers named by digest before everything that says what they are. */
function archive(layers: readonly Buffer[], o: { diffIds?: readonly string[]; blobs?: readonly Buffer[] } = {}): Buffer {
  const blobs = o.blobs ?? layers;
  const config = Buffer.from(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      rootfs: { type: "layers", diff_ids: o.diffIds ?? layers.map((layer) => `sha256:${sha256(layer)}`) },
    }),
  );
  const names = blobs.map((blob) => `blobs/sha256/${sha256(blob)}`);
  return tarArchive([
    ...[...new Set(names)].map((name) => ({ name, data: blobs[names.indexOf(name)]! })),
    { name: "config", data: config },
    { name: "manifest.json", data: JSON.stringify([{ Config: "config", RepoTags: ["ahead:1"], Layers: names }]) },
  ]);
}

const load = (bytes: Buffer) => loadArchive(store, Readable.from([...pieces(bytes)], { objectMode: false }), signal);

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}

describe("layers that are unpacked while an archive arrives", () => {
  it.each([
    ["plain", (layer: Buffer) => layer],
    ["compressed", (layer: Buffer) => gzipSync(layer)],
  ])("are what the image says, %s", async (_, pack) => {
    const layers = [tarArchive([big("a")]), tarArchive([big("b"), { name: ".wh.a" }])];
    await load(archive(layers, { blobs: layers.map(pack) }));
    const [top, bottom] = store.layerDirs("ahead:1");
    expect(sha256(readFileSync(join(bottom!, "a")))).toBe(sha256(layers[0]!.subarray(512, 512 + (3 << 20))));
    expect(lstatSync(join(top!, "a")).isCharacterDevice()).toBe(true);
    expect(store.get("ahead:1").size).toBe(6 << 20);
  });

  it("may link to a file of the layer below, which only the whole image tells", async () => {
    await load(archive([tarArchive([big("a")]), tarArchive([big("b"), { name: "link", type: "hardlink", link: "a" }])]));
    const [top, bottom] = store.layerDirs("ahead:1");
    expect(sha256(readFileSync(join(top!, "link")))).toBe(sha256(readFileSync(join(bottom!, "a"))));
  });

  it("may stand in an image twice", async () => {
    const layer = tarArchive([big("a")]);
    await load(archive([layer, tarArchive([big("b")]), layer]));
    expect(store.layerDirs("ahead:1").map((directory) => readdirSync(directory))).toEqual([["a"], ["b"], ["a"]]);
  });

  it("leave nothing where the image says something else, or the archive ends too soon", async () => {
    const layer = tarArchive([big("a")]);
    const wrong = archive([layer], { diffIds: [`sha256:${"0".repeat(64)}`] });
    await expect(load(wrong)).rejects.toThrow(/a layer's content is sha256:\w+, but its image says sha256:0+/);
    await expect(load(archive([layer]).subarray(0, 2 << 20))).rejects.toThrow(/not an image archive/);
    const damaged = archive([layer]);
    damaged.fill(7, 2_000_000, 2_000_100);
    await expect(load(damaged)).rejects.toThrow(/has the content of sha256:/);
    expect([store.list(), readdirSync(join(rootDir, "l"))]).toEqual([[], []]);
  });
});
