import { constants } from "node:fs";
import { getSystemErrorName } from "node:util";
import { BerthError } from "./error.ts";
import { syscalls } from "./syscalls.ts";

/** openat2(2): `root`: links are followed as if the directory were "/"; `beneath`: a path or link that leads out of the directory is an error (EXDEV). */
export type Confinement = "root" | "beneath" | "no-links";

const resolveFlags = { root: 0x10, beneath: 0x08, "no-links": 0x08 | 0x04 } as const;
const noMagicLinks = 0x02;
const openat2Number = 437;

/**
 * Opens a path inside a directory and never leaves it, whatever links are made on the way at the same time. The caller closes the descriptor.
 * Names in it are reached as `/proc/self/fd/<fd>/<name>`, one component at a time.
 * @throws BerthError system/syscall with the errno in `cause.code`: EXDEV where the path leads out, ENOENT, ENOTDIR, ELOOP
 */
export function openInside(directory: number, path: string, confinement: Confinement, flags = O_PATH | constants.O_DIRECTORY): number {
  return openConfined(directory, path, confinement, flags);
}

/** The same for a path in any form that koffi hands to libc; `shown` is for messages. */
export function openConfined(directory: number, path: unknown, confinement: Confinement, flags: number, shown = String(path)): number {
  const { libc, fail, errno } = syscalls();
  const openat2 = libc("long syscall(long n, int dirfd, const char *path, const uint8_t *how, size_t size)");
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags | oCloexec), 0);
  how.writeBigUInt64LE(BigInt(resolveFlags[confinement] | noMagicLinks), 16);
  for (let attempt = 0; ; attempt++) {
    const fd = Number(openat2(openat2Number, directory, path === "" ? "." : path, how, how.length));
    if (fd >= 0) return fd;
    const name = getSystemErrorName(-errno());
    // EAGAIN: something was renamed meanwhile, so that the kernel could not be sure of a "..".
    if (name === "EAGAIN" && attempt < 100) continue;
    if (name === "ENOSYS")
      throw new BerthError("system/syscall", "this kernel does not have openat2, which files are copied into containers with", {
        hint: "Linux 5.6 or newer is needed.",
      });
    fail(`open ${shown}`);
  }
}

/** open(2)'s O_PATH, which Node does not name: a handle of the thing itself, whatever it is. */
export const O_PATH = 0o10000000;
const oCloexec = 0o2000000;
