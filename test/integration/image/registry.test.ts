import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ImageStore, loadArchive, pull, push, saveArchive } from "../../../src/image/index.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { ImageStores } from "../../support/image-stores.ts";
import { type TestRegistry, testRegistry } from "../../support/registry.ts";

const stores = new ImageStores();
const { signal } = new AbortController();
let registry: TestRegistry;
let host: string;
let one: ImageStore;
let three: ImageStore;

beforeAll(async () => {
  registry = await testRegistry();
  host = registry.host;
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await stores[Symbol.asyncDispose]();
});

test("what was loaded is pushed, pulled elsewhere and saved with the same id", async () => {
  one = stores.make();
  const [loaded] = await loadArchive(one, Readable.from([await busyboxArchive("bb:1")]), signal);
  one.tag("bb:1", `${host}/bb:1`);
  const pushed = await push(one, `${host}/bb:1`, { signal });
  const two = stores.make();
  expect(await pull(two, `${host}/bb:1`, { signal })).toBe(loaded?.id);
  expect(two.get(`${host}/bb@${pushed.digest}`).repoTags).toEqual([`${host}/bb:1`]);
  three = stores.make();
  expect(await loadArchive(three, saveArchive(two, [`${host}/bb:1`], { signal }), signal)).toEqual([
    { name: `${host}/bb:1`, id: loaded?.id },
  ]);
});

test("an interrupted download is taken up where it broke", async () => {
  const layer = three.layer(three.list()[0]!.chainIds[0]!)!;
  const four = stores.make();
  const partial = join(four.rootDir, "partial", layer.blob!.digest.slice(7));
  writeFileSync(partial, readFileSync(three.blobPath(layer.blob!.digest)));
  truncateSync(partial, 1000);
  const seen: number[] = [];
  await pull(four, `${host}/bb:1`, { signal, onProgress: (e) => e.status === "Downloading" && seen.push(e.current ?? 0) });
  expect(seen[0]).toBe(1000);
  expect(seen.at(-1)).toBe(layer.blob!.size);
});

test("a missing tag and an unknown host are said", async () => {
  await expect(pull(one, `${host}/bb:none`, { signal })).rejects.toMatchObject({ code: "image/not-found" });
  await expect(pull(one, "nosuch.invalid/x", { signal })).rejects.toThrow("no such host");
});
