import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { demultiplex } from "./frames.ts";
import { jsonLines } from "./json-lines.ts";

const frame = (stream: number, data: Buffer): Buffer => {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(data.length, 4);
  return Buffer.concat([head, data]);
};
async function* cut(bytes: Buffer, at: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (const to of [...at.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    if (to > from) yield bytes.subarray(from, to);
    from = Math.max(from, to);
  }
}

describe("demultiplex", () => {
  test("gives each stream its bytes, wherever the transport cuts", async () => {
    const frames = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 40 })), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(frames, fc.array(fc.nat(), { maxLength: 12 }), async (list, cuts) => {
        const wire = Buffer.concat(list.map(([kind, data]) => frame(kind, Buffer.from(data))));
        const got: Record<number, Buffer[]> = { 1: [], 2: [] };
        for await (const { stream, data } of demultiplex(cut(wire, cuts))) got[stream]?.push(data);
        for (const kind of [1, 2]) {
          const sent = Buffer.concat(list.filter(([k]) => k === kind).map(([, data]) => Buffer.from(data)));
          expect(Buffer.concat(got[kind] ?? [])).toEqual(sent);
        }
      }),
    );
  });

  test("an error of the engine in the stream is thrown", async () => {
    await expect(async () => {
      for await (const _ of demultiplex(cut(frame(3, Buffer.from("gone")), [])));
    }).rejects.toThrow("error from daemon in stream: gone");
  });
});

test("JSON lines survive cuts inside characters and a missing last newline", async () => {
  const wire = Buffer.from('{"a":"ä€😀"}\n\n{"a":"b"}');
  for (let at = 0; at <= wire.length; at++) {
    const got: unknown[] = [];
    for await (const value of jsonLines(cut(wire, [at]))) got.push(value);
    expect(got).toEqual([{ a: "ä€😀" }, { a: "b" }]);
  }
});
