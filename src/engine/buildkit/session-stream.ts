import { Duplex } from "node:stream";

/** A connection whose bytes travel in the messages of a call (session/grpchijack of BuildKit). */
export function sessionStream(
  messages: AsyncIterable<{ data: Uint8Array }>,
  send: (message: { data: Uint8Array }) => Promise<void>,
  signal: AbortSignal,
): Duplex {
  const incoming = messages[Symbol.asyncIterator]();
  const duplex = new Duplex({
    read() {
      incoming.next().then(
        ({ done, value }) => this.push(done ? null : Buffer.from(value.data)),
        (error: Error) => this.destroy(error),
      );
    },
    write(chunk: Buffer, _, callback) {
      send({ data: chunk }).then(() => callback(), callback);
    },
  });
  signal.addEventListener("abort", () => duplex.destroy(), { once: true });
  duplex.on("end", () => duplex.destroy());
  return duplex;
}
