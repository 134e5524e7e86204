/** Numbers of socket(2), send(2) and shutdown(2): Linux's, the same on x86-64 and arm64. */
export const AF = { unix: 1, inet: 2, inet6: 10, netlink: 16 } as const;
/** The types, and the two flags that are or-ed to them. */
export const SOCK = { stream: 1, dgram: 2, raw: 3, seqpacket: 5, nonblock: 0o4000, cloexec: 0o2000000 } as const;
export const MSG = { dontwait: 0x40, nosignal: 0x4000 } as const;
export const SHUT_WR = 1;

/** sockaddr_un of a path (unix(7)). */
export function unixAddress(path: string): Buffer {
  const address = Buffer.alloc(2 + Buffer.byteLength(path) + 1);
  address.writeUInt16LE(AF.unix, 0);
  address.write(path, 2);
  return address;
}
