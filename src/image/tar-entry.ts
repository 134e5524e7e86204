import type { Stats } from "node:fs";
import type { TarEntry } from "./tar-reader.ts";

/** What an archive says of a file beside its name: as a file without content, which the caller changes to what it is. */
export function tarEntryOf(stat: Stats): TarEntry {
  return {
    name: "",
    type: "file",
    linkName: "",
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    size: 0,
    mtime: Math.floor(stat.mtimeMs / 1000),
    major: 0,
    minor: 0,
    xattrs: new Map(),
  };
}

/** makedev(3) of glibc, taken apart. */
export function deviceNumbers(rdev: number): { major: number; minor: number } {
  const device = BigInt(rdev);
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)),
    minor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
  };
}
