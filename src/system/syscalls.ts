import { createRequire } from "node:module";
import { getSystemErrorName } from "node:util";
import { BerthError } from "./error.ts";

/**
 * The system calls that Node lacks, by way of koffi (libc of this process). All are synchronous and act on the calling thread.
 * Numbers are Linux's, the same on x86-64 and arm64. Errors are BerthError `system/syscall` with the errno name in `cause.code`.
 */
export interface Syscalls {
  mount(source: string, target: string, type: string, flags: number, data: string): void;
  umount(target: string, flags: number): void;
  mknod(path: string, mode: number, device: bigint): void;
  lsetxattr(path: string, name: string, value: Uint8Array): void;
  /** undefined where the attribute is absent. */
  lgetxattr(path: string, name: string): Buffer | undefined;
  llistxattr(path: string): string[];
  unshare(flags: number): void;
  setns(fd: number, flags: number): void;
  /** `operation`: LOCK_EX 2, LOCK_NB 4, LOCK_UN 8. False when LOCK_NB found it taken. */
  flock(fd: number, operation: number): boolean;
  socket(domain: number, type: number, protocol: number): number;
  /** Any other libc function, by C prototype ("int dup3(int a, int b, int c)"); the caller checks the result with `fail`. */
  libc(prototype: string): (...args: unknown[]) => number | bigint;
  /** The same on another thread, for a call that waits; its errno is lost. */
  libcAsync(prototype: string): (args: unknown[], done: (error: Error | null, result: number | bigint) => void) => void;
  /** Throws for the errno of the last call. */
  fail(what: string): never;
  errno(): number;
}

export const mountFlag = {
  rdonly: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  remount: 32,
  bind: 4096,
  rec: 16384,
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
} as const;
export const umountFlag = { force: 1, detach: 2, nofollow: 8 } as const;
export const cloneFlag = { newns: 0x20000, newnet: 0x40000000 } as const;

let loaded: Syscalls | undefined;

/** Loads koffi on first use (about 25 ms), so that a command that needs no system call does not pay for it. */
export function syscalls(): Syscalls {
  loaded ??= load();
  return loaded;
}

function load(): Syscalls {
  // One at a time: nothing here waits, and callers get copies. 64 KiB is the longest value and the longest list (xattr(7)).
  const scratch = Buffer.alloc(65536);
  const koffi = createRequire(import.meta.filename)("koffi") as KoffiLike; // koffi's own typings describe its CommonJS export
  const lib = koffi.load(null);
  const bound = new Map<string, KoffiFunction>();
  const libc = (prototype: string): KoffiFunction => {
    let fn = bound.get(prototype);
    if (!fn) {
      fn = lib.func(prototype);
      bound.set(prototype, fn);
    }
    return fn;
  };
  const fail = (what: string): never => {
    const number = koffi.errno();
    const name = number > 0 ? getSystemErrorName(-number) : "unknown error";
    throw new BerthError("system/syscall", `${what}: ${name}`, { cause: Object.assign(new Error(name), { code: name, errno: -number }) });
  };
  const check = (result: number | bigint, what: string): number => (Number(result) < 0 ? fail(what) : Number(result));
  return {
    mount: (source, target, type, flags, data) =>
      void check(
        libc("int mount(const char *s, const char *t, const char *f, ulong flags, const char *d)")(source, target, type, flags, data),
        `mount ${type || source} on ${target}`,
      ),
    umount: (target, flags) => void check(libc("int umount2(const char *t, int flags)")(target, flags), `umount ${target}`),
    mknod: (path, mode, device) =>
      void check(libc("int mknod(const char *p, uint mode, uint64_t dev)")(path, mode, device), `mknod ${path}`),
    lsetxattr: (path, name, value) =>
      void check(
        libc("int lsetxattr(const char *p, const char *n, const uint8_t *v, size_t l, int f)")(path, name, value, value.length, 0),
        `setxattr ${name} on ${path}`,
      ),
    lgetxattr: (path, name) => {
      const get = libc("long lgetxattr(const char *p, const char *n, _Out_ uint8_t *v, size_t l)");
      const length = Number(get(path, name, scratch, scratch.length));
      if (length >= 0) return Buffer.from(scratch.subarray(0, length));
      const error = getSystemErrorName(-koffi.errno());
      return error === "ENODATA" || error === "ENOTSUP" || error === "EOPNOTSUPP" ? undefined : fail(`getxattr ${name} of ${path}`);
    },
    llistxattr: (path) => {
      const list = libc("long llistxattr(const char *p, _Out_ uint8_t *v, size_t l)");
      const length = Number(list(path, scratch, scratch.length));
      if (length < 0) return getSystemErrorName(-koffi.errno()) === "ENOTSUP" ? [] : fail(`listxattr of ${path}`);
      return scratch.subarray(0, length).toString("utf8").split("\0").filter(Boolean);
    },
    unshare: (flags) => void check(libc("int unshare(int flags)")(flags), "unshare"),
    setns: (fd, flags) => void check(libc("int setns(int fd, int flags)")(fd, flags), "setns"),
    flock: (fd, operation) => {
      if (Number(libc("int flock(int fd, int op)")(fd, operation)) === 0) return true;
      const error = getSystemErrorName(-koffi.errno());
      return error === "EAGAIN" || error === "EWOULDBLOCK" ? false : fail("flock");
    },
    socket: (domain, type, protocol) => check(libc("int socket(int d, int t, int p)")(domain, type, protocol), "socket"),
    libc,
    libcAsync: (prototype) => (args, done) => libc(prototype).async(...args, done),
    fail,
    errno: () => koffi.errno(),
  };
}

type KoffiFunction = ((...args: unknown[]) => number | bigint) & { async(...args: unknown[]): void };

interface KoffiLike {
  load(name: string | null): { func(prototype: string): KoffiFunction };
  errno(): number;
}
