import { accessSync, closeSync, constants, readFileSync, statSync, writeSync } from "node:fs";
import { syscalls } from "./syscalls.ts";

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
/** Since Linux 6.3, where a system may forbid programs in memory (memfd_create(2)). */
const MFD_EXEC = 0x10;
const F_ADD_SEALS = 1033;
/** F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE: exactly those that crun and runc ask for. */
const everySeal = 0xf;

/**
 * A copy of a program in memory that nobody can change any more, by a path that this process's children and theirs can start. crun and runc make themselves such a
 * copy at every start, so that no container can write to the program on the host (CVE-2019-5736): a bind mount, its unmount, which waits for every processor, and
 * a second exec, half of the time that they take to begin. One that is sealed already begins at once.
 */
export class SealedProgram {
  readonly #file: string;
  #copy: { readonly fd: number; readonly of: string } | undefined;
  #isImpossible = false;

  constructor(file: string) {
    this.#file = file;
  }

  /** The copy's path; the program's own where no copy can be made here. A program that was replaced on disk is copied anew. */
  get path(): string {
    if (this.#isImpossible) return this.#file;
    const { size, mtimeMs, ino } = statSync(this.#file);
    const version = `${ino} ${size} ${mtimeMs}`;
    if (this.#copy?.of === version) return pathOf(this.#copy.fd);
    this.close();
    const fd = sealedCopy(this.#file);
    if (fd === undefined) this.#isImpossible = true;
    else this.#copy = { fd, of: version };
    return fd === undefined ? this.#file : pathOf(fd);
  }

  close(): void {
    if (this.#copy) closeSync(this.#copy.fd);
    this.#copy = undefined;
  }
}

/** Not /proc/self: who starts it is another process. */
const pathOf = (fd: number): string => `/proc/${process.pid}/fd/${fd}`;

function sealedCopy(file: string): number | undefined {
  const { libc } = syscalls();
  const create = libc("int memfd_create(const char *name, uint flags)");
  const name = file.slice(file.lastIndexOf("/") + 1);
  let fd = Number(create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC));
  if (fd < 0) fd = Number(create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)); // an older kernel
  if (fd < 0) return undefined;
  try {
    const bytes = readFileSync(file);
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    if (Number(libc("int fcntl(int fd, int command, ...)")(fd, F_ADD_SEALS, "int", everySeal)) < 0) throw new Error("not sealed");
    accessSync(pathOf(fd), constants.X_OK);
    return fd;
  } catch {
    closeSync(fd);
    return undefined;
  }
}
