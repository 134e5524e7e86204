import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, expect, test } from "vitest";
import { EngineClient, queryText } from "./engine-client.ts";
import type { EngineError } from "./wire-error.ts";

const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const step of cleanup.splice(0).reverse()) step();
});

async function engine(listener: RequestListener, prepare: (server: Server) => void = () => {}): Promise<EngineClient> {
  const dir = mkdtempSync(join(tmpdir(), "berth-client-"));
  const server = createServer(listener);
  prepare(server);
  await new Promise<void>((resolve) => server.listen(join(dir, "s"), resolve));
  const client = new EngineClient(join(dir, "s"));
  cleanup.push(
    () => rmSync(dir, { recursive: true, force: true }),
    () => server.close(),
    () => client.close(),
  );
  return client;
}

test("an error keeps message, code, hint and status", async () => {
  const client = await engine((_, response) => {
    response.writeHead(404);
    response.end('{"message":"No such container: x","code":"container/not-found","hint":"look"}\n');
  });
  const error = (await client.json("GET", "/x").catch((thrown: unknown) => thrown)) as EngineError;
  expect([error.message, error.code, error.hint, error.status]).toEqual(["No such container: x", "container/not-found", "look", 404]);
});

test("Docker's own error bodies get a code by their status", async () => {
  const client = await engine((_, response) => {
    response.writeHead(409);
    response.end('{"message":"taken"}');
  });
  await expect(client.json("GET", "/x")).rejects.toMatchObject({ code: "api/conflict", message: "taken" });
});

test("nobody there is api/unavailable", async () => {
  await expect(new EngineClient("/nonexistent/socket").json("GET", "/")).rejects.toMatchObject({ code: "api/unavailable" });
});

test("a connection that is there already carries the first request, unless it has ended", async () => {
  let connections = 0;
  const { socketPath } = await engine(
    (_, response) => response.end("{}"),
    (server) => server.on("connection", () => connections++),
  );
  for (const ended of [false, true]) {
    const opened = connect(socketPath);
    await once(opened, "connect");
    if (ended) opened.destroy();
    const client = new EngineClient(socketPath, opened);
    cleanup.push(() => client.close());
    expect(await client.json("GET", "/x")).toEqual({});
  }
  expect(connections).toBe(3);
});

test("a body that is a stream is sent as it comes, and lines are read as they come", async () => {
  const client = await engine((request, response) => {
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
    });
    request.on("end", () => {
      response.write(`{"size":${size}}\n{"na`);
      setImmediate(() => response.end('me":"ä"}\n'));
    });
  });
  const got: unknown[] = [];
  for await (const line of client.lines("POST", "/x", { body: Readable.from([Buffer.alloc(70_000), Buffer.alloc(1)]) })) got.push(line);
  expect(got).toEqual([{ size: 70_001 }, { name: "ä" }]);
});

test("a hijacked connection is raw both ways; the end of the input leaves the output open", async () => {
  const client = await engine(
    () => {},
    (server) => {
      server.on("upgrade", (_, socket, head) => {
        socket.write(
          "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly ",
        );
        let got = head.toString();
        socket.on("data", (chunk: Buffer) => {
          got += chunk.toString();
        });
        socket.on("end", () => socket.end(`got ${got}`));
      });
    },
  );
  const { stream, multiplexed } = await client.hijack("/containers/x/attach");
  stream.end("input");
  let output = "";
  for await (const chunk of stream as AsyncIterable<Buffer>) output += chunk.toString();
  expect({ multiplexed, output }).toEqual({ multiplexed: true, output: "early got input" });
});

test("a refused upgrade is the engine's error", async () => {
  const client = await engine(
    () => {},
    (server) => {
      server.on("upgrade", (_, socket) => socket.end('HTTP/1.1 409 Conflict\r\nContent-Length: 26\r\n\r\n{"message":"not running"}\n'));
    },
  );
  await expect(client.hijack("/x")).rejects.toMatchObject({ message: "not running", status: 409 });
});

test("queries repeat lists, skip undefined, and write booleans as Docker does", () => {
  expect(queryText({ a: 1, b: true, c: ["x", "y z"], d: undefined, e: false })).toBe("?a=1&b=1&c=x&c=y%20z&e=0");
});
