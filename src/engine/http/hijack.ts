import type { Duplex } from "node:stream";
import { drained, hasHungUp, isUntaken } from "../../system/index.ts";
import type { Call } from "./http.ts";

/** The connection of an attach or exec after the client has taken it over: raw bytes both ways. */
export interface Hijacked {
  readonly socket: Duplex;
  /** Output: framed (stream, length) without a terminal, raw with one. A promise where the client takes no more for now. */
  send(stream: 1 | 2, data: Buffer): Promise<void> | undefined;
  end(): void;
}

/** Answers 101 where the client asked for an upgrade, 200 otherwise; from then on the connection is ours. */
export function hijack(call: Call, o: { tty: boolean }): Hijacked {
  // Who did not ask for an upgrade is told the one type that there was before.
  const type = call.upgrade ? streamType(call, o.tty) : "application/vnd.docker.raw-stream";
  const socket = call.upgrade?.socket ?? call.request.socket;
  if (call.upgrade) socket.write(`HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`);
  else {
    call.response.detachSocket(call.request.socket);
    takeFromParser(call.request.socket);
    socket.write(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n\r\n`);
  }
  socket.on("error", () => socket.destroy());
  socket.on("end", () => destroyWhenGone(socket));
  let ended = false;
  let held = true;
  socket.cork();
  whenTaken(socket, () => {
    held = false;
    socket.uncork();
    if (ended && !socket.writableEnded) socket.end();
  });
  const room = drained(socket);
  return {
    socket,
    send: (stream, data) => {
      if (!ended && !socket.destroyed && !socket.writableEnded)
        socket.write(o.tty ? data : Buffer.concat([frameHead(stream, data.length), data]));
      return room();
    },
    end: () => {
      ended = true;
      if (!held && !socket.writableEnded) socket.end();
    },
  };
}

/** How long output waits behind the head where it is not to be seen whether that has been read. */
const blindMs = 20;

/** docker-py throws away what it reads in one piece with the answer's head, which a quick process's output is where the client is slow to be scheduled. */
function whenTaken(socket: Duplex, done: () => void): void {
  const began = performance.now();
  const look = () => {
    const waitedMs = performance.now() - began;
    if (socket.destroyed || !(isUntaken(socket) ?? waitedMs < blindMs)) done();
    else setTimeout(look, waitedMs < 100 ? 1 : 10);
  };
  setImmediate(look);
}

/** Before 1.42 there was one type for both forms, and clients looked whether the container has a terminal. */
export function streamType({ version }: Call, tty: boolean): string {
  return `application/vnd.docker.${tty || version < 1.42 ? "raw" : "multiplexed"}-stream`;
}

/**
 * What comes after the request is input, and no further request: Node's HTTP parser gets nothing of it any more, and a half-closed connection stays. For an
 * upgrade Node does the same itself. The first listener for "data" also ends the parser's own reading of the handle.
 */
function takeFromParser(socket: Duplex): void {
  for (const event of ["data", "end", "drain"]) socket.removeAllListeners(event);
  socket.on("data", () => {}); // also where no input is taken
}

/** How often it is looked whether a client that has said everything is still there. */
const lookMs = 1_000;

/** A client that has closed only its own direction reads on; of one that has gone nothing is told until there is output for it. */
function destroyWhenGone(socket: Duplex): void {
  const timer = setInterval(() => hasHungUp(socket) && socket.destroy(), lookMs).unref();
  socket.on("close", () => clearInterval(timer));
}

/** The head of a stdcopy frame: stream, three zero bytes, the payload's length in big-endian. */
export function frameHead(stream: 1 | 2, length: number): Buffer {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(length, 4);
  return head;
}
