import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CacheEntry, parseCacheEntry } from "../../../src/build/index.ts";
import { pull, push } from "../../../src/image/index.ts";
import { type BuildRoom, buildRoom } from "../../support/build-room.ts";
import { type TestRegistry, testRegistry } from "../../support/registry.ts";

let registry: TestRegistry;
let first: BuildRoom;
const base = mkdtempSync(join(tmpdir(), "remote-cache-"));
const { signal } = new AbortController();

beforeAll(async () => {
  registry = await testRegistry();
  first = await buildRoom();
});
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await first?.[Symbol.asyncDispose]();
  rmSync(base, { recursive: true, force: true });
});

const from = (...texts: string[]): CacheEntry[] => texts.map((text) => parseCacheEntry(text, "import"));
const to = (...texts: string[]): CacheEntry[] => texts.map((text) => parseCacheEntry(text, "export"));

/** Two stages: of the first only one file is in the result. */
const files = {
  "in.txt": "input\n",
  Dockerfile: [
    "FROM busybox AS made",
    "COPY in.txt /in.txt",
    "RUN head -c 100000 /dev/urandom > /big && cp /in.txt /out.txt",
    "FROM busybox",
    "WORKDIR /app",
    "COPY --from=made /out.txt .",
    "RUN head -c 20 /dev/urandom | md5sum > /made-at",
    'CMD ["cat", "/app/out.txt"]',
    "",
  ].join("\n"),
};

const resultSteps = ["WORKDIR /app", "COPY --from=made /out.txt .", "RUN head -c 20 /dev/urandom | md5sum > /made-at"];

/** A machine that has built nothing. */
async function elsewhere(work: (room: BuildRoom) => Promise<void>): Promise<void> {
  await using room = await buildRoom();
  await work(room);
}

/** Layers that a store has beside the base image's. */
const layerCount = (room: BuildRoom) => readdirSync(join(room.images.rootDir, "layers")).length - 1;

it("leaves a stage's base image in its registry where a cache has all that was made of it", async () => {
  const name = `${registry.host}/base:1`;
  await first.build({ Dockerfile: "FROM busybox\nRUN head -c 20 /dev/urandom > /base\n" }, { tags: [name] });
  await push(first.images, name, { signal });
  const staged = (argument: string) => ({
    Dockerfile: `FROM ${name} AS made\nRUN cp /base /out && echo ${argument}\nFROM busybox\nCOPY --from=made /out /\n`,
  });
  const made = await first.build(staged("1"), { cacheTo: to(`type=registry,ref=${registry.host}/staged:a,mode=max`) });
  await elsewhere(async (room) => {
    const cacheFrom = from(`type=registry,ref=${registry.host}/staged:a`);
    const pulled: string[] = [];
    const build = (argument: string) => room.build(staged(argument), { cacheFrom, onPull: (ref) => pulled.push(ref) });
    expect([(await build("1")).imageId, room.runs(), pulled]).toEqual([made.imageId, 0, []]);
    expect((await build("2")).read("out")).toBe(made.read("out"));
    expect([room.runs(), pulled]).toEqual([1, [name]]);
  });
});

describe.each([
  ["a registry", () => `type=registry,ref=${registry.host}/cache:a`, () => `type=registry,ref=${registry.host}/cache:a`],
  ["a directory", () => `type=local,dest=${base}/local`, () => `type=local,src=${base}/local`],
])("a cache in %s", (_, written, read) => {
  it("with mode=max gives every step to a machine that has built nothing, which fetches only the result's layers", async () => {
    const made = await first.build(files, { cacheTo: to(`${written()},mode=max`) });
    await elsewhere(async (room) => {
      const { image, cached, warnings, imageId } = await room.build(files, { cacheFrom: from(read()) });
      expect(warnings).toEqual([]);
      expect(cached).toHaveLength(5);
      expect([room.runs(), imageId]).toEqual([0, made.imageId]);
      expect(image.chainIds).toEqual(made.image.chainIds);
      expect(layerCount(room)).toBe(3);
      // What was fetched is this machine's cache from now on.
      expect((await room.build(files)).cached.map((name) => name.split("] ")[1])).toEqual(expect.arrayContaining(resultSteps));
    });
  });

  it("gives the steps before one whose input changed, with the layers that it stands on", async () => {
    const changed = { ...files, Dockerfile: `${files.Dockerfile}RUN cat /app/out.txt /made-at > /both\n` };
    await elsewhere(async (room) => {
      const { cached, read: readFile } = await room.build(changed, { cacheFrom: from(read()) });
      expect([cached.length, room.runs()]).toEqual([5, 1]);
      expect(readFile("both")).toMatch(/^input\n[0-9a-f]{32} /);
    });
    await elsewhere(async (room) => {
      const { cached } = await room.build({ ...files, "in.txt": "other\n" }, { cacheFrom: from(read()) });
      expect(cached.map((name) => name.split("] ")[1])).toEqual(["WORKDIR /app"]);
    });
  });

  it("with mode=min gives what is in the result", async () => {
    const name = written().replace(/cache:a|local$/, (found) => (found === "local" ? "min" : "cache:min"));
    const source = read().replace(/cache:a|local$/, (found) => (found === "local" ? "min" : "cache:min"));
    await first.build(files, { cacheTo: to(name) });
    await elsewhere(async (room) => {
      const { cached } = await room.build(files, { cacheFrom: from(source) });
      // The first stage has to be made again, and with it what is copied of it: the same content, and so the same key.
      expect(cached.map((step) => step.split("] ")[1])).toEqual(resultSteps);
    });
  });

  it("packed as asked, in BuildKit's layout, is read all the same", async () => {
    for (const [option, type] of [
      ["compression=uncompressed", "application/vnd.oci.image.layer.v1.tar"],
      ["compression=zstd,image-manifest=false", "application/vnd.oci.image.layer.v1.tar+zstd"],
      ["oci-mediatypes=false", "application/vnd.docker.image.rootfs.diff.tar.gzip"],
    ] as const) {
      await first.build(files, { cacheTo: to(`${written()},${option}`) });
      const manifest = await manifestOf(written());
      const { manifests = manifest["layers"] } = manifest as { manifests?: { mediaType: string }[] };
      expect([option, (manifests as { mediaType: string }[])[0]?.mediaType]).toEqual([option, type]);
      expect(JSON.stringify(manifest)).toContain("application/vnd.buildkit.cacheconfig.v0");
      await elsewhere(async (room) => {
        const { cached, warnings } = await room.build(files, { cacheFrom: from(read()) });
        expect([option, cached.length, warnings]).toEqual([option, 3, []]);
      });
    }
  });
});

async function manifestOf(entry: string): Promise<Record<string, unknown>> {
  const ref = /ref=[^/]+\/(\w+):(\w+)/.exec(entry);
  if (ref) {
    const accept =
      "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json";
    const answer = await fetch(`http://${registry.host}/v2/${ref[1]}/manifests/${ref[2]}`, { headers: { accept } });
    return (await answer.json()) as Record<string, unknown>;
  }
  const directory = /dest=([^,]+)/.exec(entry)?.[1] ?? "";
  const { manifests } = JSON.parse(readFileSync(join(directory, "index.json"), "utf8")) as { manifests: { digest: string }[] };
  expect(manifests).toHaveLength(1);
  return JSON.parse(readFileSync(join(directory, "blobs/sha256", manifests[0]?.digest.slice(7) ?? ""), "utf8")) as Record<string, unknown>;
}

describe("an inline cache", () => {
  it("is in the image: its layers are hits where it is pulled from or lies", async () => {
    const ref = `${registry.host}/inline:1`;
    const made = await first.build(files, { tags: [ref], args: { BUILDKIT_INLINE_CACHE: "1" } });
    await push(first.images, ref, { signal });
    await elsewhere(async (room) => {
      const { cached, warnings } = await room.build(files, { cacheFrom: from(ref), args: { BUILDKIT_INLINE_CACHE: "1" } });
      expect([cached.length, warnings]).toEqual([3, []]);
    });
    await elsewhere(async (room) => {
      const id = await pull(room.images, ref, { signal });
      await registry.kill();
      const { cached, imageId } = await room.build(files, { cacheFrom: from(ref), cacheTo: to("type=inline") });
      await registry.start();
      expect([cached.length, imageId, id]).toEqual([3, made.imageId, made.imageId]);
    });
  });

  it("of an image that has none, or another builder's, is warned of", async () => {
    const ref = `${registry.host}/plain:1`;
    await first.build(files, { tags: [ref] });
    await push(first.images, ref, { signal });
    await elsewhere(async (room) => {
      const { warnings } = await room.build(files, { cacheFrom: from(ref) });
      expect(warnings).toEqual([`: the cache ${ref} is not used: there is no cache of this builder in it`]);
    });
  });
});

describe("a cache that cannot be used", () => {
  it("is a warning, and the build goes on: missing, no registry, no manifest of a cache", async () => {
    const entries = from(`${registry.host}/nothing:1`, "type=local,src=/no/such/directory", "127.0.0.1:1/x");
    await elsewhere(async (room) => {
      const { warnings, cached } = await room.build(files, { cacheFrom: entries });
      expect(cached).toEqual([]);
      expect([...warnings].sort()).toEqual([
        expect.stringContaining("the cache 127.0.0.1:1/x is not used: the registry 127.0.0.1:1 cannot be reached"),
        expect.stringContaining(`the cache ${registry.host}/nothing:1 is not used: there is no cache`),
        expect.stringContaining("the cache local /no/such/directory is not used: there is no cache"),
      ]);
    });
  });

  it("is a warning when a layer turns out to be damaged after its step was taken for done", async () => {
    const directory = join(base, "damaged");
    await first.build(files, { cacheTo: to(`type=local,dest=${directory},mode=max`) });
    const [manifest] = (JSON.parse(readFileSync(join(directory, "index.json"), "utf8")) as { manifests: { digest: string }[] }).manifests;
    const blob = (digest: string) => join(directory, "blobs/sha256", digest.slice(7));
    const { layers } = JSON.parse(readFileSync(blob(manifest!.digest), "utf8")) as { layers: { digest: string }[] };
    const last = blob(layers.at(-1)!.digest);
    const bytes = readFileSync(last);
    bytes[40] = (bytes[40] ?? 0) ^ 0xff;
    writeFileSync(last, bytes);
    await elsewhere(async (room) => {
      const { warnings, read } = await room.build(files, { cacheFrom: from(`type=local,src=${directory}`) });
      expect(warnings).toEqual([expect.stringMatching(/^: the cache local .*damaged is not used: /)]);
      expect(read("app/out.txt")).toBe("input\n");
      expect(read("made-at")).toMatch(/^[0-9a-f]{32} /);
    });
    writeFileSync(blob(manifest!.digest), "{");
    await elsewhere(async (room) => {
      const { warnings } = await room.build(files, { cacheFrom: from(`type=local,src=${directory}`) });
      expect(warnings).toEqual([expect.stringContaining("the cache is damaged: it is not JSON")]);
    });
  });

  it("to write to fails the build, unless errors are to be ignored", async () => {
    await expect(first.build(files, { cacheTo: to("type=registry,ref=127.0.0.1:1/x") })).rejects.toThrow("127.0.0.1:1 cannot be reached");
    const { warnings } = await first.build(files, { cacheTo: to("type=registry,ref=127.0.0.1:1/x,ignore-error=true") });
    expect(warnings).toEqual([
      expect.stringContaining("the cache was not exported to 127.0.0.1:1/x: the registry 127.0.0.1:1 cannot be reached"),
    ]);
    expect(existsSync(join(first.root, "build/scratch")) && readdirSync(join(first.root, "build/scratch"))).toEqual([]);
  });
});
