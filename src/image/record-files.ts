import { readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readJsonFile } from "../system/index.ts";

/** A record that this room wrote. One that cannot be read is moved aside and named. */
export function readRecord<T>(path: string, aside: string[]): T | undefined {
  try {
    return readJsonFile(path) as T | undefined;
  } catch {
    const to = `${path}.unreadable-${Date.now()}`;
    renameSync(path, to);
    aside.push(to);
    return undefined;
  }
}

/** All records of a directory; what an unfinished write left is removed. */
export function readRecords<T>(directory: string, aside: string[]): T[] {
  return readdirSync(directory).flatMap((name) => {
    if (name.endsWith(".tmp")) rmSync(join(directory, name), { force: true });
    return name.endsWith(".json") ? (readRecord<T>(join(directory, name), aside) ?? []) : [];
  });
}
