import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isUntaken } from "./untaken.ts";

test("tells what a client has read from what it has not", async () => {
  const path = join(tmpdir(), `untaken-${process.pid}.sock`);
  const server = createServer().listen(path);
  try {
    await once(server, "listening");
    const client = connect(path);
    const [socket] = (await once(server, "connection")) as [Socket];
    expect(isUntaken(socket)).toBe(false);
    client.pause();
    socket.write("head");
    expect(isUntaken(socket)).toBe(true);
    client.resume();
    await once(client, "data");
    expect(isUntaken(socket)).toBe(false);
    client.destroy();
    socket.destroy();
    expect(isUntaken(socket)).toBeUndefined();
  } finally {
    server.close();
    rmSync(path, { force: true });
  }
});
