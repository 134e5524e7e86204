import { createSocket } from "node:dgram";
import { connect, Socket } from "node:net";
import packet from "dns-packet";
import { dnsPort, openSocket } from "./dns-sockets.ts";
import { insideNamespace } from "./net-namespace.ts";

/** A server that is asked about what is not ours, and the network namespace that it is asked from; the engine's own where there is none. */
export interface Upstream {
  readonly address: string;
  readonly namespace?: string;
}

const timeoutMs = 2_500;
/** Questions of all containers that are out at a time; a descriptor each. */
const mostOut = 1_000;
const SERVFAIL = 2;
const REFUSED = 5;
let out = 0;

/**
 * The answer of the first of these servers that has one, asked one after the other over the client's own protocol: what is too long for UDP comes back marked so, and
 * the client asks again over TCP (RFC 1035, 4.2). Undefined where none answers; a server's own failure where that is all there is.
 */
export async function forward(question: Buffer, servers: readonly Upstream[], protocol: "udp" | "tcp"): Promise<Buffer | undefined> {
  if (out >= mostOut) return undefined;
  out++;
  try {
    let failure: Buffer | undefined;
    for (const server of servers) {
      const answer = await (protocol === "udp" ? overUdp : overTcp)(question, server).catch(() => undefined); // e.g. no route
      if (!answer) continue;
      if (!isFailure(answer)) return answer;
      failure ??= answer;
    }
    return failure;
  } finally {
    out--;
  }
}

function isFailure(answer: Buffer): boolean {
  const code = (answer[3] ?? 0) & 0xf;
  return code === SERVFAIL || code === REFUSED;
}

/** Two bytes of length, then the message (RFC 1035, 4.2.2). */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** The whole messages at the beginning of a stream, and what follows them. */
export function unframed(stream: Buffer): { messages: Buffer[]; rest: Buffer } {
  const messages: Buffer[] = [];
  let rest = stream;
  while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
    messages.push(rest.subarray(2, 2 + rest.readUInt16BE(0)));
    rest = rest.subarray(2 + rest.readUInt16BE(0));
  }
  return { messages, rest };
}

function overUdp(question: Buffer, { address, namespace }: Upstream): Promise<Buffer | undefined> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  return new Promise<Buffer | undefined>((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    socket.on("close", () => clearTimeout(timer));
    socket.on("error", () => resolve(undefined));
    socket.on("message", (answer) => answer.length >= 12 && answer.readUInt16BE(0) === question.readUInt16BE(0) && resolve(answer));
    try {
      if (namespace) socket.bind({ fd: socketInside(namespace, address, "udp") });
    } catch (error) {
      reject(error);
      return;
    }
    // Its callback is told of a failure as well, e.g. that there is no route; sending then throws.
    socket.connect(dnsPort, address, (error?: Error) => {
      if (error) resolve(undefined);
      else socket.send(question, (failed) => failed && resolve(undefined));
    });
  }).finally(() => socket.close());
}

async function overTcp(question: Buffer, { address, namespace }: Upstream): Promise<Buffer | undefined> {
  const socket = namespace
    ? new Socket({ fd: socketInside(namespace, address, "tcp"), readable: true, writable: true }).connect(dnsPort, address)
    : connect(dnsPort, address);
  let stream: Buffer = Buffer.alloc(0);
  return new Promise<Buffer | undefined>((resolve) => {
    socket.setTimeout(timeoutMs, () => resolve(undefined));
    socket.on("error", () => resolve(undefined));
    socket.on("close", () => resolve(undefined));
    socket.on("data", (chunk: Buffer) => {
      stream = Buffer.concat([stream, chunk]);
      const [answer] = unframed(stream).messages;
      if (answer) resolve(answer);
    });
    socket.write(framed(question));
  }).finally(() => socket.destroy());
}

const socketInside = (namespace: string, address: string, protocol: "udp" | "tcp"): number =>
  insideNamespace(namespace, () => openSocket(address, protocol));

/** An answer over 512 bytes to a client that did not say it takes more: cut, and marked so that it asks again over TCP. */
export function truncated(reply: Buffer, query: Buffer): Buffer {
  if (reply.length <= 512) return reply;
  const edns = packet.decode(query).additionals?.find((record) => record.type === "OPT");
  if (edns && "udpPayloadSize" in edns && Number(edns.udpPayloadSize) >= reply.length) return reply;
  const { id, questions } = packet.decode(reply);
  return packet.encode({ type: "response", id: id ?? 0, flags: 0x0780, questions: questions ?? [] });
}
