import { BerthError } from "../../system/error.ts";

export interface OutputChunk {
  readonly stream: 1 | 2;
  readonly data: Buffer;
}

const headLength = 8;

/**
 * The output of a container without a terminal: frames of [stream, 0, 0, 0, length in big-endian] and payload, cut anywhere by the
 * transport. A large payload is passed on as it comes. Stream 3 is the engine's own error.
 * @throws BerthError system/internal where the stream is no such stream, or carries an error
 */
export async function* demultiplex(stream: AsyncIterable<Buffer>): AsyncGenerator<OutputChunk, void, undefined> {
  let pending: Buffer = Buffer.alloc(0);
  let kind = 0;
  let left = 0;
  for await (const chunk of stream) {
    pending = pending.length > 0 ? Buffer.concat([pending, chunk]) : chunk;
    while (pending.length > 0) {
      if (left === 0) {
        if (pending.length < headLength) break;
        kind = pending[0] ?? 0;
        if (kind > 3) throw new BerthError("system/internal", `unrecognized stream ${kind} in the container's output`);
        left = pending.readUInt32BE(4);
        pending = pending.subarray(headLength);
        continue;
      }
      const data = pending.subarray(0, left);
      left -= data.length;
      pending = pending.subarray(data.length);
      if (kind === 3) throw new BerthError("system/internal", `error from daemon in stream: ${data.toString()}`);
      yield { stream: kind === 2 ? 2 : 1, data };
    }
  }
}
