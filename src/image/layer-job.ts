import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import type { MessagePort } from "node:worker_threads";
import { BerthError, BufferGarbage, type ErrorCode, messageOf } from "../system/index.ts";
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
      /** The file is still being written: messages say how far it may be read. */
      readonly grows?: boolean;
      readonly lowerDirs: readonly string[];
      readonly limits?: UnpackLimits;
      readonly whiteouts: boolean;
      /** What the plain archive's digest is, where somebody checks it anyway: then it is not computed here. */
      readonly checkedDiffId?: string;
    }
  | { readonly kind: "digest"; readonly directory: string };

export type ToWorker = { job: LayerJob } | { chunk: Uint8Array } | { upTo: number } | { end: true } | { stop: string };
export type FromWorker = { more: true } | { done: LayerDigest } | { failed: { readonly code: ErrorCode; readonly message: string } };

export interface LayerDigest {
  readonly diffId: string;
  /** Sum of the sizes of its files. */
  readonly bytes: number;
}

/**
 * Answers the jobs that come over a port, one after the other. Everything in them is synchronous file system work, which is why they live in a
 * worker. What still comes for a job that has failed is passed over.
 */
export async function serveLayerJobs(port: MessagePort): Promise<never> {
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
  const stopped = () => inbox.some((message) => "stop" in message);
  for (;;) {
    const first = await next();
    if (!("job" in first)) continue;
    const { job } = first;
    try {
      post({ done: job.kind === "digest" ? await directoryDigest(job.directory, stopped) : await unpack(job, bytesOf(job), stopped) });
    } catch (error) {
      post({ failed: { code: error instanceof BerthError ? error.code : "system/internal", message: messageOf(error) } });
    }
  }

  function bytesOf(job: LayerJob & { kind: "unpack" }): AsyncIterable<Buffer> {
    if (job.file === undefined) return chunks();
    return job.grows ? growing(job.file) : (createReadStream(job.file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>);
  }

  async function* chunks(): AsyncGenerator<Buffer> {
    for (;;) {
      const message = await next();
      if ("stop" in message) throw new BerthError("image/bad-archive", message.stop);
      if (!("chunk" in message)) return;
      yield Buffer.from(message.chunk.buffer, message.chunk.byteOffset, message.chunk.byteLength);
      post({ more: true });
    }
  }

  async function* growing(file: string): AsyncGenerator<Buffer> {
    const fd = openSync(file, "r");
    try {
      for (let at = 0; ; ) {
        const message = await next();
        if ("stop" in message) throw new BerthError("image/bad-archive", message.stop);
        if (!("upTo" in message)) return;
        while (at < message.upTo) {
          const chunk = Buffer.allocUnsafe(Math.min(message.upTo - at, 1 << 20));
          const length = readSync(fd, chunk, 0, chunk.length, at);
          if (length === 0) throw new BerthError("image/bad-archive", "the archive became shorter while it was read");
          at += length;
          yield chunk.subarray(0, length);
        }
      }
    } finally {
      closeSync(fd);
    }
  }
}

/** The diff id of a directory: of the archive that is made of it. */
export async function directoryDigest(directory: string, stopped: () => boolean): Promise<LayerDigest> {
  const hash = createHash("sha256");
  let bytes = 0;
  let pieces = 0;
  let small: Buffer[] = [];
  let smallBytes = 0;
  const counted = function* (path: string, size: number): Generator<Buffer> {
    bytes += size;
    yield* content(path, size);
  };
  const garbage = new BufferGarbage();
  for (const piece of layerTar(directory, counted)) {
    garbage.passed(piece.length);
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
  return { diffId: `sha256:${hash.digest("hex")}`, bytes };
}

async function unpack(job: LayerJob & { kind: "unpack" }, input: AsyncIterable<Buffer>, stopped: () => boolean): Promise<LayerDigest> {
  const unpacker = new LayerUnpacker(job.directory, {
    lowerDirs: job.lowerDirs,
    whiteouts: job.whiteouts,
    ...(job.limits ? { limits: job.limits } : {}),
  });
  const reader = new TarReader(unpacker);
  const hash = createHash("sha256");
  try {
    const garbage = new BufferGarbage();
    for await (const plain of decompressed(input)) {
      garbage.passed(plain.length);
      if (job.checkedDiffId === undefined) hash.update(plain);
      reader.push(plain);
      if (job.file !== undefined && stopped()) throw new BerthError("image/bad-archive", "stopped");
    }
    reader.end();
    unpacker.finish();
  } finally {
    unpacker.close();
  }
  return { diffId: job.checkedDiffId ?? `sha256:${hash.digest("hex")}`, bytes: unpacker.bytes };
}
