import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadBaseImage } from "../../support/base-image.ts";
import { type Berth, checkout, installedBerth } from "../../support/berth.ts";

/** The README's example, as a user runs it: real Postgres, real Redis, images built from Debian packages. */
describe("the guestbook", () => {
  let berth: Berth;
  let port: number;
  const cwd = `${checkout}/examples/guestbook`;
  const inExample = () => ({ cwd, env: { GUESTBOOK_PORT: String(port), COMPOSE_PROJECT_NAME: "guestbook-test" }, timeoutMs: 400_000 });
  const entries = async (host = "127.0.0.1") => (await (await fetch(`http://${host}:${port}/api/entries`)).json()) as { text: string }[];

  beforeAll(async () => {
    berth = await installedBerth();
    port = await freePort();
    await loadBaseImage(berth);
  });
  afterAll(async () => {
    await berth?.[Symbol.asyncDispose]();
  });

  test("comes up, builds what it needs and is healthy", { timeout: 600_000 }, async () => {
    await berth.ok(["up", "-d", "--wait"], inExample());
    const services = JSON.parse(`[${(await berth.ok(["ps", "--format", "json"], inExample())).trim().split("\n").join(",")}]`) as {
      Service: string;
      Health: string;
    }[];
    expect(services.map(({ Service, Health }) => [Service, Health]).sort()).toEqual([
      ["db", "healthy"],
      ["queue", "healthy"],
      ["web", "healthy"],
      ["worker", "healthy"],
    ]);
  });

  test("an entry that is posted comes back from Postgres, on IPv4 and IPv6 loopback", async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/entries`, { method: "POST", body: JSON.stringify({ text: "first" }) });
    expect(answer.status).toBe(201);
    expect((await entries()).map((entry) => entry.text)).toEqual(["first"]);
    expect((await entries("[::1]")).map((entry) => entry.text)).toEqual(["first"]);
    const rows = await berth.ok(["exec", "-T", "db", "psql", "-U", "guestbook", "-At", "-c", "select text from entries"], inExample());
    expect(rows.trim()).toBe("first");
  });

  test("web reaches neither the name nor the address of the database, worker reaches both", async () => {
    const address = (await berth.ok(["exec", "-T", "worker", "getent", "ahostsv4", "db"], inExample())).split(/\s/)[0] ?? "";
    expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    const connect = (host: string) =>
      `require('net').connect({host:'${host}',port:5432,timeout:2000}).on('connect',()=>{console.log('open');process.exit()}).on('timeout',()=>{console.log('closed');process.exit()}).on('error',(e)=>{console.log(e.code==='ENOTFOUND'||e.code==='EAI_AGAIN'?'no name':'closed');process.exit()})`;
    const from = async (service: string, host: string) =>
      (await berth.ok(["exec", "-T", service, "node", "-e", connect(host)], inExample())).trim();
    expect(await from("worker", "db")).toBe("open");
    expect(await from("worker", address)).toBe("open");
    expect(await from("web", "db")).toBe("no name");
    expect(await from("web", address)).toBe("closed");
  });

  test("goes on when the engine is killed, and the next engine adopts it", async () => {
    process.kill(berth.enginePid(), "SIGKILL");
    expect((await entries()).map((entry) => entry.text)).toEqual(["first"]);
    await berth.ok(["up", "-d", "--wait"], inExample());
    expect((await entries()).map((entry) => entry.text)).toEqual(["first"]);
  });

  test("keeps the rows across down and up", { timeout: 300_000 }, async () => {
    await berth.ok(["down"], inExample());
    await expect(entries()).rejects.toThrow();
    expect((await berth.ok(["ps", "-aq"], inExample())).trim()).toBe("");
    await berth.ok(["up", "-d", "--wait"], inExample());
    expect((await entries()).map((entry) => entry.text)).toEqual(["first"]);
  });

  test("an up of what is up changes nothing", async () => {
    const before = await berth.ok(["ps", "-q"], inExample());
    await berth.ok(["up", "-d", "--wait"], inExample());
    expect(await berth.ok(["ps", "-q"], inExample())).toBe(before);
  });

  test("down -v forgets the rows", async () => {
    await berth.ok(["down", "-v"], inExample());
    expect((await berth.ok(["volume", "ls", "-q"])).trim()).toBe("");
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
