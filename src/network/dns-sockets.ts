import { AF, SOCK, syscalls } from "../system/index.ts";

/** RFC 1035, 4.2. */
export const dnsPort = 53;

const types = { tcp: SOCK.stream, udp: SOCK.dgram } as const;

/** A socket of an address' family in the network namespace that this thread is in; no program inherits it. Whoever gets the descriptor closes it. */
export function openSocket(address: string, protocol: "udp" | "tcp"): number {
  return syscalls().socket(address.includes(":") ? AF.inet6 : AF.inet, types[protocol] | SOCK.cloexec, 0);
}
