import type { Duplex } from "node:stream";
import { syscalls } from "./syscalls.ts";

const POLLERR = 0x8;
const POLLHUP = 0x10;

/**
 * Whether the other end of a unix socket is closed for good. Its end of file alone does not tell: a client that has said everything, and reads on, has that
 * too (poll(2): POLLHUP comes when both directions are shut down). Never true of what is no socket of the kernel's.
 */
export function hasHungUp(socket: Duplex): boolean {
  const fd = (socket as { _handle?: { fd?: number } })._handle?.fd; // net.Socket has no other way to its descriptor
  if (fd === undefined || fd < 0) return false;
  const asked = Buffer.alloc(8); // struct pollfd, without any event: these two are always told
  asked.writeInt32LE(fd, 0);
  if (Number(syscalls().libc("int poll(_Inout_ uint8_t *fds, ulong n, int ms)")(asked, 1, 0)) <= 0) return false;
  return (asked.readInt16LE(6) & (POLLERR | POLLHUP)) !== 0;
}
