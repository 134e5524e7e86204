import { readdir, rmdir, unlink } from "node:fs/promises";
import { errnoOf } from "./error.ts";

/**
 * Removes a directory with everything below it, or a file; what is not there is removed. For trees of many files, while others are served: a few calls at a
 * time, where `fs.promises.rm` begins them all at once, so that thousands end in one turn of the event loop and other file calls wait behind them. Names are bytes.
 */
export async function removeTree(path: string): Promise<void> {
  await removeEntry(Buffer.from(path));
}

const slash = Buffer.from("/");
const atATime = 16;

async function removeEntry(path: Buffer): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    const code = errnoOf(error);
    if (code === "EISDIR") await removeDirectory(path);
    else if (code !== "ENOENT") throw error;
  }
}

async function removeDirectory(path: Buffer): Promise<void> {
  const directories: Buffer[] = [];
  const files: Buffer[] = [];
  for (const entry of await readdir(path, { withFileTypes: true, encoding: "buffer" }))
    (entry.isDirectory() ? directories : files).push(Buffer.concat([path, slash, entry.name]));
  for (let from = 0; from < files.length; from += atATime) await Promise.all(files.slice(from, from + atATime).map(removeEntry));
  for (const directory of directories) await removeDirectory(directory);
  await rmdir(path);
}
