import { openConfined } from "./open-inside.ts";
import { libcPath } from "./path-bytes.ts";

/**
 * Opens a path below a directory as the kernel would for a process whose root that directory is: links, `..` and renames that happen
 * meanwhile never lead out (openat2 with RESOLVE_IN_ROOT, which follows no magic links). `path` is a byte string.
 * @throws BerthError system/syscall, with the errno name in `cause.code`
 */
export function openInRoot(rootFd: number, path: string, flags: number): number {
  return openConfined(rootFd, libcPath(path || "."), "root", flags, Buffer.from(path, "latin1").toString());
}
