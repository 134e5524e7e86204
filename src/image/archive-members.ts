import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, readFileSync, writeSync } from "node:fs";
import { join, posix } from "node:path";
import type { Readable } from "node:stream";
import { extract } from "tar-stream";
import { BerthError, BufferGarbage, errnoOf, messageOf } from "../system/index.ts";
import { compressionOf, decompressed } from "./decompress.ts";
import type { LayerAhead, UnpackedLayer } from "./layer-ahead.ts";
import type { ImageStore } from "./store.ts";

/** One file of an archive, in a numbered file. */
export interface Member {
  readonly path: string;
  readonly digest: string;
  readonly size: number;
  /** What it holds, where it is a layer that was unpacked while it came. */
  readonly unpacked?: UnpackedLayer;
}

const maxMembers = 100_000;
const maxJsonBytes = 32 << 20;
/** What is smaller is unpacked in no time when it is there. */
const minAheadBytes = 1 << 20;
/** Threads that unpack at a time. */
const maxAhead = 2;

/** The files of an image archive by name. `discard` has to be called when they are not needed any more. */
export class ArchiveMembers {
  private readonly store: ImageStore;
  private readonly work: string;
  private readonly files = new Map<string, Member>();
  private readonly links = new Map<string, string>();
  private readonly arriving = new Map<string, Arriving>();
  private running = 0;
  private count = 0;

  /** `work` is an empty directory that the caller removes. */
  constructor(store: ImageStore, work: string) {
    this.store = store;
    this.work = work;
  }

  /**
   * Takes everything in as it arrives; names are never paths here. Layers that the store does not have are unpacked meanwhile.
   * @throws BerthError `image/bad-archive`, `system/disk-full`
   */
  async read(input: Readable, signal: AbortSignal): Promise<void> {
    const tar = extract();
    const onAbort = () => tar.destroy(signal.reason instanceof Error ? signal.reason : new Error("cancelled"));
    signal.addEventListener("abort", onAbort, { once: true });
    const feeding = (async () => {
      try {
        for await (const chunk of decompressed(input as AsyncIterable<Buffer>)) {
          signal.throwIfAborted();
          // Once its end has begun, no "drain" and perhaps no "close" comes any more.
          if ((tar as { destroying?: boolean }).destroying) return;
          if (!tar.write(chunk)) await new Promise<void>((resolve) => drained(tar, resolve));
        }
        tar.end(Buffer.alloc(0));
      } catch (error) {
        tar.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    })();
    try {
      for await (const entry of tar) {
        const name = posix.normalize(entry.header.name).replace(/^\/+/, "");
        const { type, linkname = "" } = entry.header;
        if (type === "symlink" || type === "link")
          this.links.set(name, posix.normalize(type === "link" ? linkname : posix.join(posix.dirname(name), linkname)));
        if (type === "file" || type === "contiguous-file") await this.take(name, entry as AsyncIterable<Buffer>, entry.header.size ?? 0);
        else entry.resume();
      }
      await this.finish();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof BerthError) throw error;
      if (errnoOf(error) === "ENOSPC" || errnoOf(error) === "EDQUOT")
        throw new BerthError("system/disk-full", "the disk is full while reading the archive", { cause: error });
      throw new BerthError("image/bad-archive", `this is not an image archive: ${messageOf(error)}`, { cause: error });
    } finally {
      signal.removeEventListener("abort", onAbort);
      tar.destroy();
      await feeding;
    }
  }

  has(name: string): boolean {
    return this.files.has(name);
  }

  /** Through the archive's own links. */
  get(name: string): Member {
    let at = posix.normalize(name);
    for (let links = 0; links < 10; links += 1) {
      const file = this.files.get(at);
      if (file) return file;
      const target = this.links.get(at);
      if (target === undefined) break;
      at = target;
    }
    throw new BerthError("image/bad-archive", `the archive names ${JSON.stringify(name)} and does not have it`);
  }

  /** The content of a file that says something about the others. */
  text(name: string): Buffer {
    const file = this.get(name);
    if (file.size > maxJsonBytes) throw new BerthError("image/bad-archive", `the archive's ${JSON.stringify(name)} is too large`);
    return readFileSync(file.path);
  }

  async discard(): Promise<void> {
    await Promise.all([...this.arriving.values()].map(({ layer }) => layer.discard()));
  }

  private async take(name: string, content: AsyncIterable<Buffer>, announced: number): Promise<void> {
    if (this.count >= maxMembers) throw new BerthError("image/bad-archive", "the archive has too many members for an image");
    const path = join(this.work, String(this.count++));
    const fd = openSync(path, "wx", 0o644);
    const hash = createHash("sha256");
    let size = 0;
    let arriving: Arriving | undefined;
    const garbage = new BufferGarbage();
    try {
      for await (const chunk of content) {
        if (size === 0 && announced >= minAheadBytes) arriving = this.unpackAhead(name, path, chunk);
        if (!arriving?.isPlain) hash.update(chunk);
        for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
        size += chunk.length;
        arriving?.layer.written(size);
        garbage.passed(chunk.length);
      }
    } finally {
      closeSync(fd);
    }
    const digest = arriving?.isPlain ? undefined : `sha256:${hash.digest("hex")}`;
    this.files.set(name, { path, size, digest: digest ?? "" });
    if (digest !== undefined) checkName(name, digest);
    if (!arriving) return;
    this.running += 1;
    arriving.result = arriving.layer.finish(size).finally(() => {
      this.running -= 1;
    });
  }

  /** Begins where what arrives is a layer that the store does not have, as far as its name tells, and a thread is free. */
  private unpackAhead(name: string, file: string, head: Buffer): Arriving | undefined {
    const isPlain = head.toString("latin1", 257, 262) === "ustar";
    if (!isPlain && !["gzip", "zstd"].includes(compressionOf(head))) return undefined;
    const digest = /(?:^|\/)([0-9a-f]{64})(?:\.tar)?$/.exec(name)?.[1];
    if (this.running >= maxAhead || (digest !== undefined && this.store.knowsLayer(`sha256:${digest}`))) return undefined;
    const arriving = { layer: this.store.unpackAhead(file), isPlain, result: undefined };
    this.arriving.set(name, arriving);
    return arriving;
  }

  /** Waits for the threads. What was not hashed here they have hashed, or it is done now. */
  private async finish(): Promise<void> {
    for (const [name, { isPlain, result }] of this.arriving) {
      const unpacked = await result;
      const member = this.files.get(name);
      if (!member) continue;
      const digest = isPlain ? (unpacked?.diffId ?? (await fileDigest(member.path))) : member.digest;
      checkName(name, digest);
      this.files.set(name, { ...member, digest, ...(unpacked ? { unpacked } : {}) });
    }
  }
}

/** A layer that is unpacked while it comes. Not compressed, its digest is its diff id, which the thread computes. */
interface Arriving {
  readonly layer: LayerAhead;
  readonly isPlain: boolean;
  result: Promise<UnpackedLayer | undefined> | undefined;
}

function checkName(name: string, digest: string): void {
  const named = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
  if (named !== undefined && digest !== `sha256:${named}`)
    throw new BerthError("image/bad-archive", `the archive's ${name} has the content of ${digest}`);
}

async function fileDigest(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return `sha256:${hash.digest("hex")}`;
}

function drained(tar: NodeJS.EventEmitter, resolve: () => void): void {
  const done = () => {
    tar.off("drain", done);
    tar.off("close", done);
    resolve();
  };
  tar.once("drain", done);
  tar.once("close", done);
}
