import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { MessagePort } from "node:worker_threads";
import { BerthError, type ErrorCode, messageOf } from "../system/index.ts";
import { decompressed } from "./decompress.ts";
import { content, layerTar } from "./layer-diff.ts";
import { LayerUnpacker, type UnpackLimits } from "./layer-unpack.ts";
import { TarReader } from "./tar-reader.ts";

/** What the worker is asked: unpack an archive (a file, or chunks that follow) or hash the archive of a directory. */
export type LayerJob =
  | {
      readonly kind: "unpack";
      readonly directory: string;
      /** Absent: the bytes come as messages, each answered with "more". */
      readonly file?: string;
      readonly lowerDirs: readonly string[];
      readonly limits?: UnpackLimits;
      readonly whiteouts: boolean;
      /** What the plain archive's digest is, where somebody checks it anyway: then it is not computed here. */
      readonly checkedDiffId?: string;
    }
  | { readonly kind: "digest"; readonly directory: string };

export type ToWorker = { job: LayerJob } | { chunk: Uint8Array } | { end: true } | { stop: string };
export type FromWorker =
  | { more: true }
  | { done: { readonly diffId: string; readonly bytes: number; readonly tarBytes: number } }
  | { failed: { readonly code: ErrorCode; readonly message: string } };

/** Answers one job on a port. Everything in it is synchronous file system work, which is why it lives in a worker. */
export async function serveLayerJob(port: MessagePort): Promise<void> {
  const inbox: ToWorker[] = [];
  let wake: () => void = () => undefined;
  port.on("message", (message: ToWorker) => {
    inbox.push(message);
    wake();
  });
  const next = async (): Promise<ToWorker> => {
    while (inbox.length === 0)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    return inbox.shift()!; // not empty
  };
  const post = (message: FromWorker) => port.postMessage(message);
  const chunks = async function* (): AsyncGenerator<Buffer> {
    for (;;) {
      const message = await next();
      if ("stop" in message) throw new BerthError("image/bad-archive", message.stop);
      if (!("chunk" in message)) return;
      yield Buffer.from(message.chunk.buffer, message.chunk.byteOffset, message.chunk.byteLength);
      post({ more: true });
    }
  };
  try {
    const first = await next();
    if (!("job" in first)) throw new Error("the first message is a job");
    const stopped = () => inbox.some((message) => "stop" in message);
    post({ done: first.job.kind === "digest" ? await digest(first.job.directory, stopped) : await unpack(first.job, chunks(), stopped) });
  } catch (error) {
    post({ failed: { code: error instanceof BerthError ? error.code : "system/internal", message: messageOf(error) } });
  }
}

async function digest(directory: string, stopped: () => boolean): Promise<{ diffId: string; bytes: number; tarBytes: number }> {
  const hash = createHash("sha256");
  let tarBytes = 0;
  let bytes = 0;
  let pieces = 0;
  let small: Buffer[] = [];
  let smallBytes = 0;
  const counted = function* (path: string, size: number): Generator<Buffer> {
    bytes += size;
    yield* content(path, size);
  };
  for (const piece of layerTar(directory, counted)) {
    tarBytes += piece.length;
    // Headers are tiny: hashing them together saves most of the calls.
    small.push(piece);
    smallBytes += piece.length;
    if (smallBytes >= 1 << 18) {
      for (const part of small) hash.update(part);
      small = [];
      smallBytes = 0;
    }
    pieces += 1;
    if (pieces % 1024 === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      if (stopped()) throw new BerthError("image/bad-archive", "stopped");
    }
  }
  for (const part of small) hash.update(part);
  return { diffId: `sha256:${hash.digest("hex")}`, bytes, tarBytes };
}

async function unpack(
  job: LayerJob & { kind: "unpack" },
  chunks: AsyncIterable<Buffer>,
  stopped: () => boolean,
): Promise<{ diffId: string; bytes: number; tarBytes: number }> {
  const unpacker = new LayerUnpacker(job.directory, {
    lowerDirs: job.lowerDirs,
    whiteouts: job.whiteouts,
    ...(job.limits ? { limits: job.limits } : {}),
  });
  const reader = new TarReader(unpacker);
  const hash = createHash("sha256");
  let tarBytes = 0;
  try {
    const input = job.file === undefined ? chunks : (createReadStream(job.file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>);
    for await (const plain of decompressed(input)) {
      if (job.checkedDiffId === undefined) hash.update(plain);
      tarBytes += plain.length;
      reader.push(plain);
      if (job.file !== undefined && stopped()) throw new BerthError("image/bad-archive", "stopped");
    }
    reader.end();
    unpacker.finish();
  } finally {
    unpacker.close();
  }
  return { diffId: job.checkedDiffId ?? `sha256:${hash.digest("hex")}`, bytes: unpacker.bytes, tarBytes };
}
