import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants, type IncomingHttpHeaders } from "node:http2";
import type { Duplex } from "node:stream";
import { BerthError, messageOf } from "../../system/index.ts";
import { GrpcError, grpcCode } from "./grpc-status.ts";
import type { Codec, Method } from "./protocol.ts";

/** Metadata of a call; a key may have several values. Values are ASCII. */
export type CallMetadata = Readonly<Record<string, string | readonly string[]>>;

/** A call in which both sides send messages. */
export interface GrpcStream extends AsyncIterable<object> {
  /** Settles when more can be sent. */
  send(message: object): Promise<void>;
  /** Sends without waiting: for short messages by a reader, who must not stop reading. */
  post(message: object): void;
  /** Bytes of the messages that came so far. */
  readonly receivedBytes: number;
  endSending(): void;
  cancel(): void;
}

const windowBytes = 8 * 1024 * 1024;
const maxMessageBytes = 64 * 1024 * 1024;

/**
 * The client's side of gRPC over a connection that exists already, which @grpc/grpc-js has no way to be given: HTTP/2 by node:http2, and the
 * length-prefixed messages of gRPC's HTTP/2 mapping.
 */
export class GrpcConnection {
  readonly #session: ClientHttp2Session;
  readonly closed: Promise<void>;

  constructor(socket: Duplex) {
    this.#session = connect("http://session", {
      createConnection: () => socket,
      settings: { initialWindowSize: windowBytes, enablePush: false },
      // Ignore rules and paths travel as headers.
      maxSendHeaderBlockLength: 16 * 1024 * 1024,
    });
    this.#session.on("error", () => {}); // "close" follows, and every call ends with it
    this.#session.once("connect", () => this.#session.setLocalWindowSize(2 * windowBytes));
    this.closed = new Promise((resolve) => {
      this.#session.once("close", resolve);
      // node:http2 does not see the end of a stream that is no socket, and does not tell its own end on one that has ended.
      const ended = () => {
        this.#session.destroy();
        resolve();
      };
      for (const event of ["end", "close"]) socket.once(event, ended);
    });
  }

  async call(method: Method, request: object, o: { signal: AbortSignal; metadata?: CallMetadata }): Promise<object> {
    const stream = this.open(method, o);
    await stream.send(request);
    stream.endSending();
    let answer: object | undefined;
    for await (const message of stream) answer = message;
    if (!answer) throw new GrpcError(grpcCode.internal, `${method.path}: no answer`);
    return answer;
  }

  open(method: Method, o: { signal: AbortSignal; metadata?: CallMetadata }): GrpcStream {
    o.signal.throwIfAborted();
    if (this.#session.closed || this.#session.destroyed) throw new BerthError("build/cancelled", "the client's session has ended");
    const stream = this.#session.request(
      {
        ...(o.metadata as Record<string, string | string[]> | undefined), // node:http2 does not write into it
        [constants.HTTP2_HEADER_METHOD]: "POST",
        [constants.HTTP2_HEADER_PATH]: method.path,
        [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
        [constants.HTTP2_HEADER_TE]: "trailers",
      },
      { signal: o.signal },
    );
    return new Call(stream, method);
  }

  close(): void {
    this.#session.close();
  }

  destroy(): void {
    this.#session.destroy();
  }
}

class Call implements GrpcStream {
  readonly #stream: ClientHttp2Stream;
  readonly #method: Method;
  #status: IncomingHttpHeaders | undefined;
  receivedBytes = 0;

  constructor(stream: ClientHttp2Stream, method: Method) {
    this.#stream = stream;
    this.#method = method;
    // An error before any message comes with the headers alone.
    stream.on("response", (headers) => {
      if (headers["grpc-status"] !== undefined) this.#status = headers;
      else if (headers[":status"] !== 200) this.#status = { "grpc-status": "14", "grpc-message": `HTTP status ${headers[":status"]}` };
    });
    stream.on("trailers", (headers) => {
      this.#status = headers;
    });
    stream.on("error", () => {}); // told by the iteration, and by send where nobody iterates
  }

  post(message: object): void {
    if (!this.#stream.destroyed && !this.#stream.writableEnded) this.#stream.write(frame(this.#method.request, message));
  }

  async send(message: object): Promise<void> {
    if (this.#stream.destroyed || this.#stream.writableEnded)
      throw new GrpcError(grpcCode.unavailable, `${this.#method.path}: the call has ended`);
    if (this.#stream.write(frame(this.#method.request, message))) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#stream.off("drain", done);
        this.#stream.off("close", done);
        resolve();
      };
      this.#stream.on("drain", done);
      this.#stream.on("close", done);
    });
  }

  endSending(): void {
    this.#stream.end();
  }

  cancel(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<object> {
    try {
      for await (const message of messages(this.#stream)) {
        this.receivedBytes += message.length;
        yield this.#method.response.decode(message);
      }
    } catch (error) {
      if (!this.#status)
        throw error instanceof GrpcError ? error : new GrpcError(grpcCode.unavailable, `${this.#method.path}: ${messageOf(error)}`);
    }
    const code = Number(this.#status?.["grpc-status"] ?? grpcCode.unavailable);
    if (code !== grpcCode.ok) {
      const text = this.#status ? decodeURIComponentOrNot(String(this.#status["grpc-message"] ?? "")) : "the client's session has ended";
      throw new GrpcError(code, text || `${this.#method.path}: gRPC status ${code}`);
    }
  }
}

/** One message: a byte that says it is not compressed, its length, its bytes. */
function frame(codec: Codec, message: object): Buffer {
  const body = codec.encode(message);
  const head = Buffer.allocUnsafe(5);
  head[0] = 0;
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

async function* messages(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let chunks: Buffer[] = [];
  let have = 0;
  let want = 5;
  for await (const chunk of stream) {
    chunks.push(chunk);
    have += chunk.length;
    if (have < want) continue;
    let bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    while (bytes.length >= 5) {
      if (bytes[0] !== 0) throw new GrpcError(grpcCode.unimplemented, "a compressed gRPC message");
      want = 5 + bytes.readUInt32BE(1);
      if (want > maxMessageBytes) throw new GrpcError(grpcCode.resourceExhausted, "a gRPC message of more than 64 MiB");
      if (bytes.length < want) break;
      yield bytes.subarray(5, want);
      bytes = bytes.subarray(want);
      want = 5;
    }
    chunks = [bytes];
    have = bytes.length;
  }
}

function decodeURIComponentOrNot(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
