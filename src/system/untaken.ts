import type { Duplex } from "node:stream";
import { syscalls } from "./syscalls.ts";

const TIOCOUTQ = 0x5411; // SIOCOUTQ

/**
 * Whether the other end of a unix socket has not yet read all that was written to it; undefined where that cannot be known (of TCP the kernel tells what is
 * not acknowledged, which is another thing).
 */
export function isUntaken(socket: Duplex): boolean | undefined {
  const { _handle, remoteAddress } = socket as { _handle?: { fd?: number }; remoteAddress?: string }; // net.Socket has no other way to its descriptor
  const fd = _handle?.fd;
  if (fd === undefined || fd < 0 || remoteAddress !== undefined) return undefined;
  const bytes = Buffer.alloc(4);
  const answer = syscalls().libc("int ioctl(int fd, ulong request, _Inout_ uint8_t *p)")(fd, TIOCOUTQ, bytes);
  return Number(answer) === 0 ? bytes.readInt32LE(0) > 0 : undefined;
}
