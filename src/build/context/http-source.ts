import { createHash } from "node:crypto";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { BerthError, messageOf } from "../../system/index.ts";
import { newFile } from "./new-file.ts";

export interface Fetched {
  readonly file: string;
  /** From Content-Disposition or the URL's path. */
  readonly name: string;
  readonly sha256: string;
  readonly lastModifiedMs?: number;
}

/** Downloads one URL to a file. Throws BerthError `build/fetch-failed`. */
export async function fetchUrl(url: string, directory: string, signal: AbortSignal): Promise<Fetched> {
  const { EnvHttpProxyAgent, fetch } = await import("../../system/http-client.ts");
  const dispatcher = new EnvHttpProxyAgent();
  try {
    const response = await fetch(url, { signal, dispatcher });
    if (!response.ok || !response.body)
      throw new BerthError("build/fetch-failed", `${url}: the server answered ${response.status} ${response.statusText}`);
    const disposition = /filename="?([^";]+)"?/.exec(response.headers.get("content-disposition") ?? "")?.[1];
    const name = (disposition ?? decodeURIComponent(new URL(url).pathname)).split("/").filter(Boolean).at(-1) ?? "";
    const file = join(directory, "content");
    const hash = createHash("sha256");
    const hashing = new Transform({
      transform(chunk: Buffer, _, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(response.body as import("node:stream/web").ReadableStream), hashing, newFile(file), { signal }); // undici's stream is the same class
    const modified = Date.parse(response.headers.get("last-modified") ?? "");
    return { file, name, sha256: hash.digest("hex"), ...(Number.isNaN(modified) ? {} : { lastModifiedMs: modified }) };
  } catch (error) {
    if (signal.aborted || error instanceof BerthError) throw error;
    throw new BerthError(
      "build/fetch-failed",
      `${url}: ${messageOf(error)}${error instanceof Error && error.cause ? ` (${messageOf(error.cause)})` : ""}`,
      { cause: error },
    );
  } finally {
    await dispatcher.close();
  }
}
