import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { BerthError, readJsonFile, writeFileAtomic } from "../../system/index.ts";
import type { BlobDescriptor } from "./cache-content.ts";
import type { CacheExportOptions } from "./cache-entry.ts";

type Archive = BlobDescriptor & { read(): AsyncIterable<Buffer> };
type Packing = Pick<CacheExportOptions, "compression" | "compressionLevel" | "forceCompression">;

/** Results that are remembered: a later export asks for them before it packs anything. */
const maxRemembered = 4096;

/** Layers as an export wants them packed. What a layer came to is remembered across builds, its bytes are not kept. */
export class CompressedLayers {
  private readonly file: string;
  private readonly known: Map<string, BlobDescriptor>;

  constructor(file: string) {
    this.file = file;
    this.known = new Map(Object.entries(readKnown(file)));
  }

  /** The layer as it can be sent at once: plain, or already packed (and not to be packed again). */
  asIs(archive: Archive, o: Packing): Archive | undefined {
    const packed = compressionOf(archive.mediaType);
    if (packed === o.compression || (packed !== "uncompressed" && !o.forceCompression)) return archive;
    return undefined;
  }

  /** What packing the layer came to before. */
  remembered(diffId: string, o: Packing): BlobDescriptor | undefined {
    return this.known.get(memoKey(diffId, o));
  }

  /** Packs the layer into a file of `directory`. */
  async pack(archive: Archive, diffId: string, o: Packing & { directory: string; signal: AbortSignal }): Promise<Archive> {
    if (compressionOf(archive.mediaType) !== "uncompressed")
      throw new BerthError(
        "build/unsupported",
        `the layer ${archive.digest} is packed already, and force-compression asks for another packing`,
      );
    const path = join(o.directory, `${diffId.slice("sha256:".length)}.${o.compression}`);
    const hash = createHash("sha256");
    let size = 0;
    const count = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) {
        hash.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    };
    if (o.compression === "zstd") await pipeline(() => zstd(archive.read(), o), count, createWriteStream(path), { signal: o.signal });
    else
      await pipeline(
        () => archive.read(),
        createGzip({ level: o.compressionLevel ?? 1, chunkSize: 1 << 18 }),
        count,
        createWriteStream(path),
        { signal: o.signal },
      );
    const packed = {
      digest: `sha256:${hash.digest("hex")}`,
      size,
      mediaType: `application/vnd.oci.image.layer.v1.tar+${o.compression}`,
    };
    this.known.set(memoKey(diffId, o), packed);
    return { ...packed, read: () => createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer> };
  }

  save(): void {
    writeFileAtomic(this.file, JSON.stringify(Object.fromEntries([...this.known].slice(-maxRemembered))));
  }
}

function memoKey(diffId: string, o: Packing): string {
  return `${diffId} ${o.compression} ${o.compressionLevel ?? ""}`;
}

function compressionOf(mediaType: string): "uncompressed" | "gzip" | "zstd" {
  if (/gzip$/.test(mediaType)) return "gzip";
  return /zstd$/.test(mediaType) ? "zstd" : "uncompressed";
}

async function* zstd(input: AsyncIterable<Buffer>, o: Packing & { signal: AbortSignal }): AsyncGenerator<Buffer> {
  const level = Math.min(19, Math.max(1, o.compressionLevel ?? 3));
  const child = spawn("zstd", [`-${level}`, "-c", "-q"], {
    stdio: ["pipe", "pipe", "ignore"],
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" },
    signal: o.signal,
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", (error) => reject(new BerthError("system/missing-tool", "zstd is not installed", { cause: error })));
    child.once("exit", (code) =>
      code === 0 ? resolve() : reject(new BerthError("build/unsupported", `zstd ended with exit code ${code}`)),
    );
  });
  ended.catch(() => {}); // awaited below
  const feeding = pipeline(input, child.stdin).catch(() => {}); // its end says why
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    await feeding;
    await ended;
  } finally {
    child.kill("SIGKILL");
  }
}

function readKnown(file: string): Record<string, BlobDescriptor> {
  try {
    return (readJsonFile(file) ?? {}) as Record<string, BlobDescriptor>; // only save() writes it
  } catch {
    return {}; // it costs packing again
  }
}
