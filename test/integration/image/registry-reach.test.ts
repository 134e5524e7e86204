import { copyFileSync, mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type ImageStore, loadArchive, pull, push, type RegistrySettings } from "../../../src/image/index.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { ImageStores } from "../../support/image-stores.ts";
import { testProxy } from "../../support/proxy.ts";
import { type TestRegistry, testRegistry } from "../../support/registry.ts";

const stores = new ImageStores();
const base = stores.directory;
const { signal } = new AbortController();
let plain: TestRegistry;
let secure: TestRegistry;
let source: ImageStore;

beforeAll(async () => {
  [plain, secure] = await Promise.all([testRegistry(), testRegistry({ tls: true, clientCa: true })]);
  source = stores.make();
  await loadArchive(source, Readable.from([busyboxArchive("bb:1")]), signal);
});
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  await Promise.all([plain, secure].map((registry) => registry?.[Symbol.asyncDispose]()));
  await stores[Symbol.asyncDispose]();
});

async function there(ref: string, settings: RegistrySettings): Promise<void> {
  source.tag("bb:1", ref);
  await push(source, ref, { signal, settings });
  expect(await pull(stores.make(), ref, { signal, settings })).toBe(source.get("bb:1").id);
}

/** certs.d with the CA of the registry, and the client's certificate. */
function certsDir(host: string, ...more: ("cert" | "key")[]): string {
  const directory = mkdtempSync(join(base, "certs-"));
  mkdirSync(join(directory, host));
  copyFileSync(secure.caFile, join(directory, host, "ca.crt"));
  if (more.includes("cert")) copyFileSync(secure.clientCertFile, join(directory, host, "client.cert"));
  if (more.includes("key")) copyFileSync(secure.clientKeyFile, join(directory, host, "client.key"));
  return directory;
}

describe("a registry behind a proxy", () => {
  it("is pushed to and pulled from by name: https in a tunnel, plain http as the proxy's own requests", async () => {
    await using proxy = await testProxy({ names: { "registry.test:5000": secure.host, "plain.test:5000": plain.host } });
    vi.stubEnv("https_proxy", proxy.host);
    vi.stubEnv("HTTP_PROXY", `http://${proxy.host}`);
    await there("registry.test:5000/a/bb:1", { certsDir: certsDir("registry.test:5000", "cert", "key") });
    expect(new Set(proxy.asked)).toEqual(new Set(["CONNECT registry.test:5000"]));
    await there("plain.test:5000/a/bb:1", { insecureRegistries: ["plain.test:5000"] });
    expect(proxy.asked.some((line) => line.startsWith("PUT http://plain.test:5000/v2/a/bb/manifests/1"))).toBe(true);
  });

  it("that wants a user and a password gets those of the address, and says so where they are missing", async () => {
    await using proxy = await testProxy({ names: { "registry.test:5000": secure.host }, user: "me", password: "p@ss" });
    const settings = { certsDir: certsDir("registry.test:5000", "cert", "key") };
    vi.stubEnv("HTTPS_PROXY", `http://me:p%40ss@${proxy.host}`);
    await there("registry.test:5000/b/bb:1", settings);
    vi.stubEnv("HTTPS_PROXY", `http://${proxy.host}`);
    await expect(pull(stores.make(), "registry.test:5000/b/bb:1", { signal, settings })).rejects.toMatchObject({
      code: "image/registry",
      message: "the proxy on the way to registry.test:5000 wants a user and a password",
      hint: expect.stringContaining("HTTPS_PROXY=http://user:password@host:port"),
    });
  });

  it("is asked straight where NO_PROXY lists it, and on this machine", async () => {
    await using proxy = await testProxy({ names: {} });
    vi.stubEnv("HTTPS_PROXY", proxy.host);
    vi.stubEnv("HTTP_PROXY", proxy.host);
    await there(`${plain.host}/c/bb:1`, {});
    vi.stubEnv("NO_PROXY", ".invalid");
    await expect(pull(stores.make(), "listed.invalid/x", { signal })).rejects.toThrow("listed.invalid cannot be reached: no such host");
    expect(proxy.asked).toEqual([]);
    await expect(pull(stores.make(), "other.test/x", { signal, settings: {} })).rejects.toThrow(
      "other.test cannot be reached: Proxy response (502)",
    );
  });
});

describe("a registry that wants a client's certificate", () => {
  it("gets that of certs.d; one that is missing, or has no key, is said", async () => {
    const ref = `${secure.host}/d/bb:1`;
    await there(ref, { certsDir: certsDir(secure.host, "cert", "key") });
    const without = certsDir(secure.host);
    await expect(pull(stores.make(), ref, { signal, settings: { certsDir: without } })).rejects.toMatchObject({
      message: expect.stringContaining(`the registry ${secure.host} closed the connection: it may want a client's certificate`),
      hint: `Put it into ${without}/${secure.host}: client.cert and client.key.`,
    });
    const half = certsDir(secure.host, "cert");
    await expect(pull(stores.make(), ref, { signal, settings: { certsDir: half } })).rejects.toThrow(
      `${half}/${secure.host}/client.cert has no client.key beside it`,
    );
  });
});
