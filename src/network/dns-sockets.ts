import { syscalls } from "../system/index.ts";

/** RFC 1035, 4.2. */
export const dnsPort = 53;

/** Address families, socket types and a flag of socket(2). */
export const AF = { inet: 2, inet6: 10 } as const;
const types = { tcp: 1, udp: 2 } as const;
const SOCK_CLOEXEC = 0o2000000;

/** A socket of an address' family in the network namespace that this thread is in; no program inherits it. Whoever gets the descriptor closes it. */
export function openSocket(address: string, protocol: "udp" | "tcp"): number {
  return syscalls().socket(address.includes(":") ? AF.inet6 : AF.inet, types[protocol] | SOCK_CLOEXEC, 0);
}
