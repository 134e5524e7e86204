import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { BerthError } from "../../system/error.ts";

/**
 * A tar of one file or directory of this machine, whose first component `from` is called `to` in it. Spawns one tar.
 * @throws (as the stream's error) BerthError system/command-failed with tar's own words
 */
export function packPath(directory: string, from: string, to: string, o: { followLinks: boolean }): Readable {
  // tar's substitution speaks of names only (r) and of hard links' targets (h): a symbolic link stays what it is.
  const rename = from === to ? [] : ["--transform", `flags=rh;s,^${pattern(from)}\\(/\\|$\\),${replacement(to)}\\1,`];
  const child = spawn("tar", ["-c", ...(o.followLinks ? ["-h"] : []), ...rename, "-C", directory, "--", from], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
  });
  const failed = failure(child.stderr);
  child.once("error", (error) => child.stdout.destroy(error));
  child.once("close", (code) => {
    if (code !== 0) child.stdout.destroy(failed(code));
  });
  return child.stdout;
}

/** Unpacks into a directory of this machine. GNU tar writes through no link that the archive itself brought. Spawns one tar. */
export async function unpackInto(archive: Readable, directory: string, o: { archiveMode: boolean }): Promise<void> {
  const owner = o.archiveMode ? "--same-owner" : "--no-same-owner";
  const child = spawn("tar", ["-x", owner, "-p", "-C", directory], {
    stdio: ["pipe", "ignore", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
  });
  const failed = failure(child.stderr);
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve() : reject(failed(code))));
  });
  ended.catch(() => {}); // awaited below
  try {
    await pipeline(archive, child.stdin);
  } catch (error) {
    await ended; // where tar gave up first, it says why
    throw error;
  }
  await ended;
}

function failure(stderr: Readable): (code: number | null) => BerthError {
  let text = "";
  stderr.on("data", (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-2000);
  });
  return (code) =>
    new BerthError(
      "system/command-failed",
      `tar: ${
        text
          .trim()
          .split("\n")[0]
          ?.replace(/^tar: /, "") || `it ended with ${code}`
      }`,
    );
}

const pattern = (text: string): string => text.replace(/[.*[\]^$\\,]/g, "\\$&");
const replacement = (text: string): string => text.replace(/[\\&,]/g, "\\$&");
