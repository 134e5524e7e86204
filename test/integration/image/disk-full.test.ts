import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ImageStore, importRootfs, loadArchive, pull, push, saveArchive } from "../../../src/image/index.ts";
import { tarArchive } from "../../support/busybox-image.ts";
import { type TestRegistry, testRegistry } from "../../support/registry.ts";

const base = mkdtempSync(join(tmpdir(), "disk-full-"));
const small = join(base, "small");
const { signal } = new AbortController();
let registry: TestRegistry;
let source: ImageStore;
let ref: string;

beforeAll(async () => {
  registry = await testRegistry();
  mkdirSync(small);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=6m", "berth-test", small]);
  mkdirSync(join(base, "source"));
  source = new ImageStore({ rootDir: join(base, "source") });
  source.open();
  ref = `${registry.host}/big:1`;
  await importRootfs(source, Readable.from([tarArchive([{ name: "big", data: randomBytes(8 << 20) }])]), { ref, signal });
  await push(source, ref, { signal });
});
afterAll(async () => {
  await source?.close();
  await registry?.[Symbol.asyncDispose]();
  execFileSync("umount", [small]);
  rmSync(base, { recursive: true, force: true });
});

const resize = (size: string) => execFileSync("mount", ["-o", `remount,size=${size}`, small]);

it("a disk that is full in the middle of a pull is said; the store works on, and the next pull takes up what came", async () => {
  const store = new ImageStore({ rootDir: small });
  store.open();
  await expect(pull(store, ref, { signal })).rejects.toMatchObject({
    code: "system/disk-full",
    message: expect.stringMatching(/the disk is full while (downloading|unpacking)/),
  });
  expect([store.list(), readdirSync(join(small, "layers")), readdirSync(join(small, "images"))]).toEqual([[], [], []]);
  expect(readdirSync(join(small, "partial"))).toHaveLength(1);
  await store.close();
  expect(readdirSync(join(small, "tmp"))).toEqual([]);

  resize("40m");
  const again = new ImageStore({ rootDir: small });
  again.open();
  const [address = "", port = ""] = registry.host.split(":");
  const ranges: string[] = [];
  const watching = createServer((request, response) => {
    if (request.headers.range) ranges.push(request.headers.range);
    request.pipe(
      httpRequest({ host: address, port, path: request.url, method: request.method, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      }),
    );
  });
  await new Promise<void>((resolve) => watching.listen(0, "127.0.0.1", resolve));
  const at = watching.address();
  expect(await pull(again, `127.0.0.1:${typeof at === "object" ? at?.port : 0}/big:1`, { signal })).toBe(source.get(ref).id);
  watching.close();
  expect(ranges).toEqual([expect.stringMatching(/^bytes=[1-9]\d+-$/)]);
  await again.close();
});

it("so is one that is full in the middle of a load, which leaves nothing", async () => {
  execFileSync("find", [small, "-mindepth", "1", "-delete"]);
  resize("6m");
  const store = new ImageStore({ rootDir: small });
  store.open();
  const archive = saveArchive(source, [ref], { format: "docker", names: [ref], signal }) as Readable;
  await expect(loadArchive(store, archive, signal)).rejects.toMatchObject({ code: "system/disk-full" });
  await store.close();
  expect([store.list(), readdirSync(join(small, "tmp")), readdirSync(join(small, "layers"))]).toEqual([[], [], []]);
});
