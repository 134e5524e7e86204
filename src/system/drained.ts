import type { Writable } from "node:stream";

/** What of a stream its writers look at. */
type Sink = Pick<Writable, "writableNeedDrain" | "destroyed" | "on" | "off">;

/**
 * Asks a stream whether it takes more: undefined where it does, otherwise a promise that settles when it does again or is closed. However many ask, the
 * stream is listened to once.
 */
export function drained(stream: Sink): () => Promise<void> | undefined {
  let waiting: Promise<void> | undefined;
  return () => {
    if (stream.destroyed || !stream.writableNeedDrain) return undefined;
    waiting ??= new Promise((resolve) => {
      const done = () => {
        stream.off("drain", done);
        stream.off("close", done);
        waiting = undefined;
        resolve();
      };
      stream.on("drain", done);
      stream.on("close", done);
    });
    return waiting;
  };
}
