import { statSync, truncateSync } from "node:fs";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { BerthError, messageOf, run } from "../../system/index.ts";
import { isPlainTar } from "./archive-kind.ts";
import { newFile } from "./new-file.ts";

/** Unpacks a context that a client sent: to a file first, so that tar can recognise how it is compressed. @throws BerthError build/context */
export async function unpackSent(input: Readable, directory: string, signal: AbortSignal): Promise<string> {
  const archive = `${directory}.archive`;
  await pipeline(input, newFile(archive), { signal });
  // `docker build -f -` ends its archive with the last byte of the last file, which GNU tar takes for a loss; no more than its block is filled up.
  const { size } = statSync(archive);
  if (size % 512 !== 0 && isPlainTar(archive)) truncateSync(archive, Math.ceil(size / 512) * 512);
  try {
    await run("tar", ["-xf", archive, "-C", directory, "--no-same-owner", "-p"], { signal, timeoutMs: 600_000 });
  } catch (error) {
    if (!(error instanceof BerthError) || error.code !== "system/command-failed") throw error;
    const [why = ""] = messageOf(error).split("\n").slice(-2);
    throw new BerthError("build/context", `the build context cannot be unpacked: ${why.replace(/^.*tar: /, "")}`, { cause: error });
  }
  return directory;
}
