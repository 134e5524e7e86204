import { lstatSync, lutimesSync, readdirSync } from "node:fs";
import { nodePath } from "../../system/index.ts";
import { pacer } from "./pace.ts";

/** Sets the times of everything below a directory that are later than `epochMs` to it (SOURCE_DATE_EPOCH; BuildKit's rewrite-timestamp). */
export async function clampTimes(directory: string, epochMs: number, signal: AbortSignal): Promise<void> {
  const pace = pacer(signal);
  for (const directories = [Buffer.from(directory).toString("latin1")]; directories.length > 0; ) {
    const at = directories.pop()!; // not empty
    for (const name of readdirSync(nodePath(at), { encoding: "latin1" })) {
      const path = `${at}/${name}`;
      const stat = lstatSync(nodePath(path));
      if (stat.isDirectory()) directories.push(path);
      if (stat.mtimeMs > epochMs) lutimesSync(nodePath(path), epochMs / 1000, epochMs / 1000);
      const waiting = pace();
      if (waiting !== undefined) await waiting;
    }
  }
}
