import { spawn } from "node:child_process";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { BerthError, errnoOf, messageOf } from "../system/index.ts";

export type Compression = "none" | "gzip" | "zstd" | "bzip2" | "xz";

/** By content; media types and names lie. Needs the first six bytes. */
export function compressionOf(head: Uint8Array): Compression {
  const starts = (...bytes: number[]) => bytes.every((byte, at) => head[at] === byte);
  if (starts(0x1f, 0x8b)) return "gzip";
  if (starts(0x28, 0xb5, 0x2f, 0xfd) || (head[0]! >> 4 === 5 && starts(head[0]!, 0x2a, 0x4d, 0x18))) return "zstd";
  if (starts(0x42, 0x5a, 0x68)) return "bzip2";
  if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return "xz";
  return "none";
}

/**
 * The plain bytes of a stream that may be compressed. gzip is Node's own; the others are the program of that name (Node 20 has no zstd).
 * @throws (from the stream) BerthError `image/bad-archive`, `system/missing-tool`
 */
export async function* decompressed(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = input[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < 6) {
    const next = await iterator.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  const whole = async function* (): AsyncGenerator<Buffer> {
    try {
      if (head.length > 0) yield head;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  };
  const kind = compressionOf(head);
  if (kind === "none") yield* whole();
  else if (kind === "gzip") yield* gunzipped(whole());
  else yield* filtered(kind, whole());
}

async function* gunzipped(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 1 << 20 });
  let failure: unknown;
  const feeding = pipeline(input, gunzip).catch((error: unknown) => {
    failure = error;
  });
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (error) {
    const code = errnoOf(error) ?? "";
    if (code.startsWith("Z_")) throw new BerthError("image/bad-archive", `the gzip data is damaged: ${messageOf(error)}`, { cause: error });
    await feeding;
    throw failure ?? error;
  } finally {
    gunzip.destroy();
    await feeding;
  }
}

/** A child that reads standard input and writes standard output; ended with the stream. */
async function* filtered(program: "zstd" | "bzip2" | "xz", input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const child = spawn(program, ["-dc"], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" },
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-2_000);
  });
  const ended = new Promise<Error | number | null>((resolve) => {
    child.once("error", resolve);
    child.once("close", (code) => resolve(code));
  });
  let failure: unknown;
  const feeding = pipeline(input, child.stdin).catch((error: unknown) => {
    if (errnoOf(error) !== "EPIPE" && errnoOf(error) !== "ERR_STREAM_PREMATURE_CLOSE") failure = error;
    child.stdin.destroy();
  });
  const output = new PassThrough({ highWaterMark: 1 << 20 });
  const reading = pipeline(child.stdout as Readable, output).catch(() => undefined);
  try {
    yield* output as AsyncIterable<Buffer>;
    const end = await ended;
    await feeding;
    if (failure) throw failure;
    if (end instanceof Error)
      throw new BerthError("system/missing-tool", `the program "${program}" is needed for this archive and is not installed`, {
        cause: end,
      });
    if (end !== 0) throw new BerthError("image/bad-archive", `the ${program} data is damaged: ${stderr.trim()}`);
  } finally {
    child.kill("SIGKILL");
    await reading;
  }
}
