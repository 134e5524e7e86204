import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { drained } from "./drained.ts";

/** Takes nothing until it is told to. */
function slow(): { stream: Writable; take: () => void } {
  let take = () => {};
  const stream = new Writable({
    highWaterMark: 4,
    write: (_chunk, _encoding, done) => {
      take = done;
    },
  });
  return { stream, take: () => take() };
}

test("a stream with room is not waited for, a full one until it has room again", async () => {
  const { stream, take } = slow();
  const room = drained(stream);
  expect(room()).toBeUndefined();
  stream.write("12345");
  const waits = [room(), room()];
  expect(waits[0]).toBe(waits[1]);
  expect(stream.listenerCount("drain")).toBe(1);
  take();
  await Promise.all(waits);
  expect(room()).toBeUndefined();
  expect(stream.listenerCount("drain") + stream.listenerCount("close")).toBe(0);
});

test("the end of a stream is room, too", async () => {
  const { stream } = slow();
  const room = drained(stream);
  stream.write("12345");
  const wait = room();
  stream.destroy();
  await wait;
  expect(room()).toBeUndefined();
});
