import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { BerthError, drained } from "../../system/index.ts";
import type { Hijacked } from "../http/hijack.ts";
import type { Call } from "../http/http.ts";

/**
 * Takes a connection over as a websocket: output goes out as binary messages without frames, as Docker's does, and every message that comes is input.
 * @throws BerthError api/bad-parameter for a request that is no websocket's
 */
export async function webSocketSession(call: Call): Promise<Hijacked> {
  const { upgrade, request, response } = call;
  if (!upgrade || String(request.headers.upgrade).toLowerCase() !== "websocket")
    throw new BerthError("api/bad-parameter", "this is answered to websocket clients only");
  response.detachSocket(upgrade.socket as Socket); // the server's sockets are net.Sockets
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const ws = await new Promise<WebSocket>((resolve) => server.handleUpgrade(request, upgrade.socket, upgrade.head, resolve));
  const socket = new Duplex({
    allowHalfOpen: true,
    read: () => ws.resume(),
    write: (chunk: Buffer, _, done) => ws.send(chunk, done),
    final: (done) => {
      ws.close(1000);
      done();
    },
    destroy: (error, done) => {
      ws.terminate();
      done(error);
    },
  });
  socket.on("error", () => socket.destroy());
  ws.on("message", (data: Buffer) => {
    if (!socket.push(data)) ws.pause();
  });
  ws.on("close", () => {
    socket.push(null);
    socket.destroy();
  });
  ws.on("error", () => socket.destroy());
  const room = drained(socket);
  return {
    socket,
    send: (_, data) => {
      if (!socket.destroyed && !socket.writableEnded) socket.write(data);
      return room();
    },
    end: () => {
      if (!socket.writableEnded) socket.end();
    },
  };
}
