import { statSync, truncateSync } from "node:fs";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { run } from "../../system/index.ts";
import { isPlainTar } from "./archive-kind.ts";
import { newFile } from "./new-file.ts";

/** Unpacks a context that a client sent: to a file first, so that tar can recognise how it is compressed. */
export async function unpackSent(input: Readable, directory: string, signal: AbortSignal): Promise<string> {
  const archive = `${directory}.archive`;
  await pipeline(input, newFile(archive), { signal });
  // `docker build -f -` ends its archive with the last byte of the last file, which GNU tar takes for a loss; no more than its block is filled up.
  const { size } = statSync(archive);
  if (size % 512 !== 0 && isPlainTar(archive)) truncateSync(archive, Math.ceil(size / 512) * 512);
  await run("tar", ["-xf", archive, "-C", directory, "--no-same-owner", "-p"], { signal, timeoutMs: 600_000 });
  return directory;
}
