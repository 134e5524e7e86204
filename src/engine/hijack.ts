import type { Duplex } from "node:stream";
import type { Call } from "./http.ts";

/** The connection of an attach or exec after the client has taken it over: raw bytes both ways. */
export interface Hijacked {
  readonly socket: Duplex;
  /** Output: framed (stream, length) without a terminal, raw with one. Settles when the client can take more. */
  send(stream: 1 | 2, data: Buffer): Promise<void>;
  end(): void;
}

/** Answers 101 where the client asked for an upgrade, 200 otherwise; from then on the connection is ours. */
export function hijack(call: Call, o: { tty: boolean }): Hijacked {
  const type = o.tty ? "application/vnd.docker.raw-stream" : "application/vnd.docker.multiplexed-stream";
  const socket = call.upgrade?.socket ?? call.request.socket;
  if (call.upgrade) socket.write(`HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`);
  else {
    call.response.detachSocket(call.request.socket);
    socket.write(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n\r\n`);
  }
  socket.on("error", () => socket.destroy());
  return {
    socket,
    send: (stream, data) => {
      const chunk = o.tty ? data : Buffer.concat([frameHead(stream, data.length), data]);
      if (socket.destroyed || socket.writableEnded || socket.write(chunk)) return Promise.resolve();
      return new Promise((resolve) => {
        const done = () => {
          socket.off("drain", done);
          socket.off("close", done);
          resolve();
        };
        socket.on("drain", done);
        socket.on("close", done);
      });
    },
    end: () => {
      if (!socket.writableEnded) socket.end();
    },
  };
}

/** The head of a stdcopy frame: stream, three zero bytes, the payload's length in big-endian. */
export function frameHead(stream: 1 | 2, length: number): Buffer {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(length, 4);
  return head;
}
