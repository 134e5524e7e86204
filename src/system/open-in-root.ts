import { errnoOf } from "./error.ts";
import { libcPath } from "./path-bytes.ts";
import { syscalls } from "./syscalls.ts";

const openat2 = 437; // the same number on every architecture
const resolveInRoot = 0x10;
const O_CLOEXEC = 0o2000000;
/** openat2(2): a rename or mount elsewhere in the tree raced with the lookup; it is to be asked again. */
const attempts = 128;

/** open(2)'s O_PATH, which Node does not name: a handle of the thing itself, whatever it is. */
export const O_PATH = 0o10000000;

/**
 * Opens a path below a directory as the kernel would for a process whose root that directory is: links, `..` and renames that happen
 * meanwhile never lead out (openat2 with RESOLVE_IN_ROOT, which follows no magic links). `path` is a byte string.
 * @throws BerthError system/syscall, with the errno name in `cause.code`
 */
export function openInRoot(rootFd: number, path: string, flags: number): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(resolveInRoot), 16);
  const os = syscalls();
  const call = os.libc("long syscall(long n, int dirfd, const char *path, const uint8_t *how, size_t size)");
  for (let left = attempts; ; left--) {
    const fd = Number(call(openat2, rootFd, libcPath(path || "."), how, how.length));
    if (fd >= 0) return fd;
    try {
      os.fail(`open ${Buffer.from(path, "latin1").toString()}`);
    } catch (error) {
      if (left > 0 && errnoOf(error) === "EAGAIN") continue;
      throw error;
    }
  }
}
