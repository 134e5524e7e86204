import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EngineClient } from "../../../src/cli/client/index.ts";
import { hasEnded } from "../../../src/system/index.ts";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive, tarArchive } from "../../support/busybox-image.ts";
import { type TestRegistry, testRegistry } from "../../support/registry.ts";
import { until } from "../../support/until.ts";

let berth: Berth;
let registry: TestRegistry;
const archive = busyboxArchive("bb:1");

beforeAll(async () => {
  [berth, registry] = await Promise.all([installedBerth(), testRegistry()]);
});
afterAll(async () => {
  await Promise.all([berth?.[Symbol.asyncDispose](), registry?.[Symbol.asyncDispose]()]);
});

const store = (name: string) => readdirSync(join(berth.root, "image", name));

async function killEngine(): Promise<void> {
  const pid = berth.enginePid();
  process.kill(pid, "SIGKILL");
  await until(() => hasEnded(pid), { timeoutMs: 20_000, what: "the engine's end" });
}

describe("an engine that is killed", () => {
  it.each([0.01, 0.5, 0.999])("at %d of a load leaves a store that the next load uses", async (part) => {
    await berth.ok(["docker", "images"]);
    const sent = Math.floor(archive.length * part);
    const body = Readable.from(
      (async function* () {
        yield archive.subarray(0, sent);
        await new Promise(() => {}); // never the rest
      })(),
    );
    const client = new EngineClient(berth.socket);
    const loading = client.request("POST", "/images/load", { body }).catch(() => undefined);
    await until(() => store("tmp").length > 0, { timeoutMs: 20_000, what: "the load's beginning" });
    await killEngine();
    body.destroy();
    await Promise.race([loading, new Promise((resolve) => setImmediate(resolve))]);
    client.close();
    expect(await berth.ok(["image", "load"], { input: archive })).toContain("Loaded image: bb:1");
    expect(await berth.ok(["docker", "run", "--rm", "bb:1", "echo", "works"])).toBe("works");
    await until(() => store("tmp").length === 0, { timeoutMs: 20_000, what: "an empty tmp" });
    await berth.ok(["docker", "rmi", "-f", "bb:1"]);
    expect([store("images"), store("layers"), store("l")]).toEqual([[], [], []]);
  });

  it("in the middle of a pull keeps what came, and the next pull takes it up", async () => {
    const layer = tarArchive([{ name: "big", data: randomBytes(8 << 20) }]);
    await berth.ok(["docker", "import", "-", `${registry.host}/big:1`], { input: layer });
    await berth.ok(["docker", "push", `${registry.host}/big:1`]);
    await berth.ok(["docker", "rmi", `${registry.host}/big:1`]);
    const [address = "", port = ""] = registry.host.split(":");
    let held = false;
    let ranges: string[] = [];
    // Lets 3 MiB of a large blob through and then holds it.
    const server = createServer((request, response) => {
      if (request.headers.range) ranges.push(String(request.headers.range));
      httpRequest({ host: address, port, path: request.url, method: request.method, headers: request.headers }, (from) => {
        response.writeHead(from.statusCode ?? 500, from.headers);
        let passed = 0;
        from.on("data", (chunk: Buffer) => {
          if (held) return response.write(chunk);
          passed += chunk.length;
          response.write(chunk);
          if (passed > 3 << 20) {
            held = true;
            from.pause();
          }
          return true;
        });
        from.once("end", () => response.end());
      }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const at = server.address();
    const ref = `127.0.0.1:${typeof at === "object" ? at?.port : 0}/big:1`;
    try {
      const pulling = berth.call(["docker", "pull", ref]);
      await until(() => held, { timeoutMs: 20_000, what: "half of the layer" });
      await until(() => store("partial").length > 0, { timeoutMs: 20_000, what: "a partial file" });
      await killEngine();
      expect((await pulling).exitCode).not.toBe(0);
      ranges = [];
      expect(await berth.ok(["docker", "pull", ref])).toContain("Downloaded newer image");
      expect(ranges).toEqual([expect.stringMatching(/^bytes=[1-9]\d+-$/)]);
      expect(store("partial")).toEqual([]);
    } finally {
      server.close();
    }
  });
});
