import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ImageStore, importRootfs, loadArchive, pull, push } from "../../../src/image/index.ts";
import { busyboxArchive, tarArchive } from "../../support/busybox-image.ts";
import { ImageStores } from "../../support/image-stores.ts";
import { freePort, type TestRegistry, testRegistry } from "../../support/registry.ts";

const stores = new ImageStores();
const base = stores.directory;
const { signal } = new AbortController();
let registry: TestRegistry;
let source: ImageStore;

beforeAll(async () => {
  registry = await testRegistry();
  source = stores.make();
  await loadArchive(source, Readable.from([busyboxArchive("bb:1")]), signal);
});
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await stores[Symbol.asyncDispose]();
});

async function pushed(name: string, host = registry.host): Promise<{ ref: string; digest: string }> {
  const ref = `${host}/${name}`;
  source.tag("bb:1", ref);
  return { ref, digest: (await push(source, ref, { signal })).digest };
}

/** Everything that is asked of it goes to the registry, unless `answer` takes it. */
async function misbehaving(answer: (request: IncomingMessage, response: ServerResponse) => boolean) {
  const [address = "", port = ""] = registry.host.split(":");
  const server = createServer((request, response) => {
    if (answer(request, response)) return;
    const onward = httpRequest({ host: address, port, path: request.url, method: request.method, headers: request.headers }, (from) => {
      response.writeHead(from.statusCode ?? 500, from.headers);
      from.pipe(response);
    });
    onward.once("error", () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  return { host: `127.0.0.1:${typeof at === "object" ? at?.port : 0}`, close: () => server.close() };
}

describe("a registry with TLS", () => {
  it("is trusted by its own CA, or where it is listed as insecure, and refused by name otherwise", async () => {
    await using secure = await testRegistry({ tls: true });
    const certsDir = join(base, "certs.d");
    mkdirSync(join(certsDir, secure.host), { recursive: true });
    copyFileSync(secure.caFile, join(certsDir, secure.host, "ca.crt"));
    const ref = `${secure.host}/bb:1`;
    source.tag("bb:1", ref);
    await push(source, ref, { signal, settings: { certsDir } });
    expect(await pull(stores.make(), ref, { signal, settings: { certsDir } })).toBe(source.get("bb:1").id);
    expect(await pull(stores.make(), ref, { signal, settings: { insecureRegistries: ["127.0.0.0/8"] } })).toBe(source.get("bb:1").id);
    await expect(pull(stores.make(), ref, { signal, settings: { certsDir: join(base, "none") } })).rejects.toMatchObject({
      code: "image/registry",
      message: expect.stringContaining(`the certificate of ${secure.host} is not trusted`),
      hint: `Put its CA into ${join(base, "none")}/${secure.host}/ca.crt.`,
    });
  });
});

describe("a transfer", () => {
  it("that is cut by the registry's end goes on when it is back, and in the next pull from where it was", async () => {
    const layer = tarArchive([{ name: "big", data: randomBytes(48 << 20) }]);
    await importRootfs(source, Readable.from([layer]), { ref: "big:1", signal });
    const ref = `${registry.host}/big:1`;
    source.tag("big:1", ref);
    await push(source, ref, { signal });
    const store = stores.make();
    let killed: Promise<void> | undefined;
    let restarted: Promise<void> | undefined;
    await pull(store, ref, {
      signal,
      onProgress: ({ status, current = 0 }) => {
        if (status !== "Downloading" || current < 1 << 20) return;
        killed ??= registry.kill();
        restarted ??= killed.then(() => registry.start());
      },
    });
    await restarted;
    expect(store.get(ref).id).toBe(source.get("big:1").id);

    const second = stores.make();
    const cancel = new AbortController();
    const stopped = pull(second, ref, { signal: cancel.signal, onProgress: ({ current = 0 }) => current > 1 << 20 && cancel.abort() });
    await expect(stopped).rejects.toThrow();
    const [partial = ""] = readdirSync(join(second.rootDir, "partial"));
    const kept = statSync(join(second.rootDir, "partial", partial)).size;
    expect(kept).toBeGreaterThan(1 << 20);
    const asked: string[] = [];
    const watching = await misbehaving((request) => {
      if (request.headers.range) asked.push(String(request.headers.range));
      return false;
    });
    await pull(second, `${watching.host}/big:1`, { signal });
    watching.close();
    expect(asked).toEqual([`bytes=${kept}-`]);
  });

  it("is tried again after 429 (when told to) and 5xx, and says so when that is no use", async () => {
    await pushed("retry:1");
    const asked: string[] = [];
    const limited = await misbehaving((request, response) => {
      asked.push(request.url ?? "");
      const times = asked.filter((url) => url === request.url).length;
      if (/manifests/.test(request.url ?? "") && times === 1) return Boolean(response.writeHead(429, { "Retry-After": "0" }).end());
      if (/blobs/.test(request.url ?? "") && times === 1) return Boolean(response.writeHead(503).end());
      return false;
    });
    await pull(stores.make(), `${limited.host}/retry:1`, { signal });
    limited.close();
    const always = await misbehaving((request, response) =>
      request.url === "/v2/"
        ? false
        : Boolean(
            response.writeHead(429, { "Retry-After": "3600" }).end('{"errors":[{"code":"TOOMANYREQUESTS","message":"pull rate limit"}]}'),
          ),
    );
    await expect(pull(stores.make(), `${always.host}/retry:1`, { signal })).rejects.toMatchObject({
      message: expect.stringContaining("toomanyrequests: pull rate limit"),
      hint: expect.stringContaining("use a mirror"),
    });
    always.close();
  });

  it("of a blob that is not what its digest says leaves nothing of it", async () => {
    const { ref } = await pushed("corrupt:1");
    const { digest } = source.layer(source.get("bb:1").chainIds[0] ?? "")?.blob ?? { digest: "" };
    const hex = digest.slice(7);
    const file = join(registry.data, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data");
    const good = readFileSync(file);
    const bad = Buffer.from(good);
    bad[1000] = (bad[1000] ?? 0) ^ 0xff;
    writeFileSync(file, bad);
    const store = stores.make();
    await expect(pull(store, ref, { signal })).rejects.toThrow(/cannot read the archive|verification failed/);
    expect([store.list(), readdirSync(join(store.rootDir, "partial")), store.hasBlob(digest)]).toEqual([[], [], false]);
    writeFileSync(file, good);
    expect(await pull(store, ref, { signal })).toBe(source.get("bb:1").id);
  });

  it("begins an upload again that broke off, and mounts what a sibling repository has", async () => {
    const fresh = stores.make();
    await importRootfs(fresh, Readable.from([tarArchive([{ name: "f", data: randomBytes(1 << 20) }])]), { ref: "fresh:1", signal });
    let cut = 0;
    const cutting = await misbehaving((request) => {
      if (request.method !== "PUT" || !/uploads/.test(request.url ?? "") || cut > 0) return false;
      cut += 1;
      request.once("data", () => request.destroy());
      return true;
    });
    fresh.tag("fresh:1", `${cutting.host}/one/x:1`);
    await push(fresh, `${cutting.host}/one/x:1`, { signal });
    expect(cut).toBe(1);
    const said: string[] = [];
    fresh.tag("fresh:1", `${cutting.host}/two/x:1`);
    await push(fresh, `${cutting.host}/two/x:1`, { signal, onProgress: ({ status }) => said.push(status) });
    cutting.close();
    expect(said).toContain("Mounted from one/x");
  });
});

describe("names", () => {
  it("of Docker Hub are asked of its mirrors first, and one that fails is passed over", async () => {
    await pushed("library/mirrored:1");
    const store = stores.make();
    const dead = `http://127.0.0.1:${await freePort()}`;
    const said: string[] = [];
    const settings = { mirrors: [dead, `http://${registry.host}`] };
    await pull(store, "mirrored:1", { signal, settings, onProgress: ({ status }) => said.push(status) });
    expect(store.get("mirrored:1").repoTags).toEqual(["mirrored:1"]);
    expect(said[0]).toContain(`Mirror ${dead}: `);
  });

  it("that are missing, hosts that are unknown and wrong passwords are said as such", async () => {
    await expect(pull(stores.make(), `${registry.host}/retry:none`, { signal })).rejects.toMatchObject({
      code: "image/not-found",
      message: `manifest for ${registry.host}/retry:none not found: manifest unknown: manifest unknown`,
    });
    await expect(pull(stores.make(), "nosuch.invalid/x", { signal })).rejects.toThrow("nosuch.invalid cannot be reached: no such host");
    await using locked = await testRegistry({ user: "u", password: "p" });
    const wrong = pull(stores.make(), `${locked.host}/x`, { signal, auth: { username: "u", password: "q" } });
    await expect(wrong).rejects.toThrow(/unauthorized/);
  });
});

describe("manifests", () => {
  const put = async (path: string, type: string, body: object) => {
    const answer = await fetch(`http://${registry.host}/v2/${path}`, {
      method: "PUT",
      headers: { "content-type": type },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(201);
  };

  it("of several platforms: this machine's, or the one that is asked for", async () => {
    const ids: Record<string, string> = {};
    const manifests = [];
    for (const architecture of ["amd64", "arm64"]) {
      const layer = Readable.from([tarArchive([{ name: architecture, data: architecture }])]);
      ids[architecture] = await importRootfs(source, layer, {
        ref: `${registry.host}/multi:${architecture}`,
        platform: `linux/${architecture}`,
        signal,
      });
      const { digest, size } = await push(source, `${registry.host}/multi:${architecture}`, { signal });
      const mediaType = "application/vnd.oci.image.manifest.v1+json";
      manifests.push({ mediaType, digest, size, platform: { os: "linux", architecture } });
      const annotations = { "vnd.docker.reference.type": "attestation-manifest" };
      manifests.push({ mediaType, digest, size, platform: { os: "unknown", architecture: "unknown" }, annotations });
    }
    const index = "application/vnd.oci.image.index.v1+json";
    await put("multi/manifests/1", index, { schemaVersion: 2, mediaType: index, manifests });
    const store = stores.make();
    const own = process.arch === "arm64" ? "arm64" : "amd64";
    expect(await pull(store, `${registry.host}/multi:1`, { signal })).toBe(ids[own]);
    expect(await pull(store, `${registry.host}/multi:1`, { signal, platform: "linux/arm64" })).toBe(ids["arm64"]);
    await expect(pull(store, `${registry.host}/multi:1`, { signal, platform: "linux/s390x" })).rejects.toMatchObject({
      message: expect.stringContaining("no matching manifest for linux/s390x in the manifest list entries"),
      hint: "It has: linux/amd64, linux/arm64.",
    });
  });

  it.each(["zstd", "gzip"])("with layers that %s packed keep their digests when they are pushed on", async (program) => {
    const tar = tarArchive([{ name: `packed-${program}`, data: randomBytes(1000) }]);
    const packed = execFileSync(program, ["-c"], { input: tar });
    const sha = (data: Buffer) => `sha256:${createHash("sha256").update(data).digest("hex")}`;
    const config = Buffer.from(
      JSON.stringify({
        architecture: "amd64",
        os: "linux",
        config: {},
        rootfs: { type: "layers", diff_ids: [sha(tar)] },
        history: [{ created_by: "x" }],
      }),
    );
    for (const blob of [packed, config]) {
      const started = await fetch(`http://${registry.host}/v2/${program}/blobs/uploads/`, { method: "POST" });
      const location = new URL(started.headers.get("location") ?? "", `http://${registry.host}`);
      location.searchParams.set("digest", sha(blob));
      expect(
        (await fetch(location, { method: "PUT", headers: { "content-type": "application/octet-stream" }, body: new Uint8Array(blob) }))
          .status,
      ).toBe(201);
    }
    const type = "application/vnd.oci.image.manifest.v1+json";
    await put(`${program}/manifests/1`, type, {
      schemaVersion: 2,
      mediaType: type,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: sha(config), size: config.length },
      layers: [{ mediaType: `application/vnd.oci.image.layer.v1.tar+${program}`, digest: sha(packed), size: packed.length }],
    });
    const store = stores.make();
    const id = await pull(store, `${registry.host}/${program}:1`, { signal });
    expect(id).toBe(sha(config));
    const [repoDigest = ""] = store.get(id).repoDigests;
    store.tag(id, `${registry.host}/${program}-again:1`);
    const again = await push(store, `${registry.host}/${program}-again:1`, { signal });
    expect(repoDigest.endsWith(again.digest)).toBe(true);
  });
});
