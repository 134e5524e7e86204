import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hasHungUp } from "./hung-up.ts";

test("tells a client that has gone from one that has only said everything", async () => {
  const path = join(tmpdir(), `hung-up-${process.pid}.sock`);
  const server = createServer({ allowHalfOpen: true }).listen(path);
  try {
    await once(server, "listening");
    const client = connect({ path, allowHalfOpen: true });
    const [socket] = (await once(server, "connection")) as [Socket];
    socket.resume();
    expect(hasHungUp(socket)).toBe(false);
    client.end();
    await once(socket, "end");
    expect(hasHungUp(socket)).toBe(false);
    client.destroy();
    await once(client, "close");
    expect(hasHungUp(socket)).toBe(true);
    socket.destroy();
    expect(hasHungUp(socket)).toBe(false);
  } finally {
    server.close();
    rmSync(path, { force: true });
  }
});
