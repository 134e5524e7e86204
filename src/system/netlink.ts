import { closeSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { BerthError } from "./error.ts";
import { AF, MSG, SOCK } from "./sockets.ts";
import { syscalls } from "./syscalls.ts";

const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const headerBytes = 16;
/** So many answers fit into the smallest receive buffer. */
const maxBatch = 64;

export const netlinkFamily = { route: 0, netfilter: 12 } as const;

/** One request: a type of its family, flags beside REQUEST and ACK, the family's header with attributes, and what to call it in an error. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags?: number;
  readonly payload: Buffer;
  readonly what: string;
  /** Error names ("EEXIST") that are an answer. */
  readonly accept?: readonly string[];
  /** One that the kernel does not confirm: the begin and the end of a transaction (linux/netfilter/nfnetlink.h). An error of it is an error of all. */
  readonly unconfirmed?: boolean;
}

/**
 * A netlink(7) socket in the network namespace that this thread is in when it is made. Requests are sent in one system call for many, on another thread, because
 * some of them wait for the kernel's grace periods.
 */
export class NetlinkSocket {
  readonly #fd: number;
  #sequence = 1;

  constructor(family: number) {
    const os = syscalls();
    this.#fd = os.socket(AF.netlink, SOCK.raw | SOCK.cloexec, family);
    // Answers without the request in them, and with the kernel's own words.
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK])
      os.libc("int setsockopt(int fd, int level, int name, const int *value, uint length)")(this.#fd, SOL_NETLINK, option, [1], 4);
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Sends them in order and answers the payloads that came back. The kernel works off all of them also where one fails. @throws BerthError system/syscall for the first that failed */
  async request(messages: readonly NetlinkMessage[]): Promise<Buffer[]> {
    const replies: Buffer[] = [];
    for (let at = 0; at < messages.length; at += maxBatch) {
      const batch = messages.slice(at, at + maxBatch);
      const first = this.#sequence;
      this.#sequence += batch.length;
      const bytes = Buffer.concat(batch.map((message, index) => encode(message, first + index)));
      const sent = await new Promise<number>((resolve, reject) =>
        syscalls().libcAsync("long send(int fd, const uint8_t *b, size_t n, int flags)")(
          [this.#fd, bytes, bytes.length, 0],
          (error, result) => (error ? reject(error) : resolve(Number(result))),
        ),
      );
      if (sent < 0) throw new BerthError("system/syscall", `send to netlink: ${batch[0]?.what}`);
      replies.push(...this.#answers(batch, first));
    }
    return replies;
  }

  /** The kernel has answered when send returned: everything is in the socket's buffer. */
  #answers(batch: readonly NetlinkMessage[], first: number): Buffer[] {
    const recv = syscalls().libc("long recv(int fd, _Out_ uint8_t *b, size_t n, int flags)");
    const buffer = Buffer.alloc(64 * 1024);
    const replies: Buffer[] = [];
    let failed: BerthError | undefined;
    for (let open = batch.filter((message) => !message.unconfirmed).length; open > 0; ) {
      const length = Number(recv(this.#fd, buffer, buffer.length, MSG.dontwait));
      if (length <= 0) throw new BerthError("system/syscall", `netlink did not answer: ${batch[0]?.what}`);
      for (let at = 0; at + headerBytes <= length; ) {
        const size = buffer.readUInt32LE(at);
        const type = buffer.readUInt16LE(at + 4);
        const message = batch[buffer.readUInt32LE(at + 8) - first];
        const body = Buffer.from(buffer.subarray(at + headerBytes, at + size));
        if (type === NLMSG_ERROR) {
          open--;
          failed ??= message && errorOf(body, message);
          if (failed && message?.unconfirmed) throw failed;
        } else if (type !== NLMSG_DONE) replies.push(body);
        at += align(size);
      }
    }
    if (failed) throw failed;
    return replies;
  }
}

function encode(message: NetlinkMessage, sequence: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(headerBytes + message.payload.length, 0);
  header.writeUInt16LE(message.type, 4);
  header.writeUInt16LE((message.flags ?? 0) | NLM_F_REQUEST | (message.unconfirmed ? 0 : NLM_F_ACK), 6);
  header.writeUInt32LE(sequence, 8);
  return Buffer.concat([header, padded(message.payload)]);
}

/** struct nlmsgerr: a negative errno, the request's header, then attributes; the first kind of them is a text. */
function errorOf(body: Buffer, message: NetlinkMessage): BerthError | undefined {
  const errno = body.readInt32LE(0);
  if (errno === 0) return undefined;
  const name = getSystemErrorName(errno);
  if (message.accept?.includes(name)) return undefined;
  const attributes = body.subarray(4 + headerBytes);
  const text =
    attributes.length > 4 && attributes.readUInt16LE(2) === 1 ? attributes.toString("utf8", 4, attributes.readUInt16LE(0) - 1) : "";
  return new BerthError("system/syscall", `${message.what}: ${text || name}`, {
    cause: Object.assign(new Error(name), { code: name, errno }),
  });
}

/** One attribute (struct nlattr): length, type, data, padding. */
export function attribute(type: number, data: Buffer | string | number): Buffer {
  const bytes = typeof data === "string" ? Buffer.from(`${data}\0`) : typeof data === "number" ? uint32(data) : data;
  const header = Buffer.alloc(4);
  header.writeUInt16LE(4 + bytes.length, 0);
  header.writeUInt16LE(type, 2);
  return padded(Buffer.concat([header, bytes]));
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

const align = (length: number): number => (length + 3) & ~3;
const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(align(bytes.length) - bytes.length)]);
