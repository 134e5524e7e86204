import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ImageStore, loadArchive, pull, push, saveArchive } from "../../../src/image/index.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { until } from "../../support/until.ts";

const base = mkdtempSync(join(tmpdir(), "registry-"));
const { signal } = new AbortController();
const stores: ImageStore[] = [];
let host: string;
let registry: ReturnType<typeof spawn>;

beforeAll(async () => {
  const port = await freePort();
  host = `127.0.0.1:${port}`;
  const config = {
    version: "0.1",
    log: { level: "error" },
    storage: { filesystem: { rootdirectory: join(base, "data") } },
    http: { addr: host },
  };
  writeFileSync(join(base, "config.yml"), JSON.stringify(config));
  registry = spawn("docker-registry", ["serve", join(base, "config.yml")], { stdio: "ignore" });
  await until(async () => (await fetch(`http://${host}/v2/`).catch(() => undefined))?.ok === true, {
    timeoutMs: 10_000,
    what: "the registry",
  });
});
afterAll(async () => {
  registry.kill("SIGKILL");
  for (const store of stores) await store.close();
  rmSync(base, { recursive: true, force: true });
});

function newStore(name: string): ImageStore {
  mkdirSync(join(base, name));
  const store = new ImageStore({ rootDir: join(base, name) });
  store.open();
  stores.push(store);
  return store;
}

test("what was loaded is pushed, pulled elsewhere and saved with the same id", async () => {
  const one = newStore("one");
  const [loaded] = await loadArchive(one, Readable.from([await busyboxArchive("bb:1")]), signal);
  one.tag("bb:1", `${host}/bb:1`);
  const pushed = await push(one, `${host}/bb:1`, { signal });
  const two = newStore("two");
  expect(await pull(two, `${host}/bb:1`, { signal })).toBe(loaded?.id);
  expect(two.get(`${host}/bb@${pushed.digest}`).repoTags).toEqual([`${host}/bb:1`]);
  const three = newStore("three");
  expect(await loadArchive(three, saveArchive(two, [`${host}/bb:1`], { signal }), signal)).toEqual([
    { name: `${host}/bb:1`, id: loaded?.id },
  ]);
});

test("an interrupted download is taken up where it broke", async () => {
  const three = stores[2]!;
  const layer = three.layer(three.list()[0]!.chainIds[0]!)!;
  const four = newStore("four");
  const partial = join(base, "four/partial", layer.blob!.digest.slice(7));
  writeFileSync(partial, readFileSync(three.blobPath(layer.blob!.digest)));
  truncateSync(partial, 1000);
  const seen: number[] = [];
  await pull(four, `${host}/bb:1`, { signal, onProgress: (e) => e.status === "Downloading" && seen.push(e.current ?? 0) });
  expect(seen[0]).toBe(1000);
  expect(seen.at(-1)).toBe(layer.blob!.size);
});

test("a missing tag and an unknown host are said", async () => {
  const store = stores[0]!;
  await expect(pull(store, `${host}/bb:none`, { signal })).rejects.toMatchObject({ code: "image/not-found" });
  await expect(pull(store, "nosuch.invalid/x", { signal })).rejects.toThrow("no such host");
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}
