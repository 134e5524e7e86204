import { closeSync, readSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { ReadStream } from "node:tty";
import { AF, drained, SOCK, syscalls, unixAddress } from "../system/index.ts";

/** The engine's end of a terminal that the low-level runtime made. */
export interface Terminal {
  readonly stream: ReadStream;
  /** A promise where it takes no more for now. */
  write(data: Uint8Array): Promise<void> | undefined;
  resize(size: { w: number; h: number }): void;
  /** What is still to be read when `stream` has told its end, and before it is closed: libuv takes a hang-up for the end after the first read that was not full. */
  rest(): Buffer;
  close(): void;
}

const TIOCSWINSZ = 0x5414;

/**
 * A listening socket for `--console-socket`: the runtime connects and passes the terminal's master over it (SCM_RIGHTS, unix(7)), which Node's net
 * module cannot receive. `receive` waits for it, looking every 2 ms until `signal` ends it.
 */
export function consoleSocket(path: string): { receive(signal: AbortSignal): Promise<Terminal>; close(): void } {
  const os = syscalls();
  rmSync(path, { force: true });
  const listener = os.socket(AF.unix, SOCK.stream | SOCK.cloexec | SOCK.nonblock, 0);
  const address = unixAddress(path);
  if (Number(os.libc("int bind(int fd, const uint8_t *a, uint l)")(listener, address, address.length)) < 0) os.fail(`bind ${path}`);
  if (Number(os.libc("int listen(int fd, int n)")(listener, 1)) < 0) os.fail(`listen on ${path}`);
  const close = () => {
    closeSync(listener);
    rmSync(path, { force: true });
  };
  return {
    close,
    receive: async (signal) => {
      for (;;) {
        // Looked at once more when it is over: a short process has come and gone between two looks.
        const connection = Number(os.libc("int accept4(int fd, void *a, void *l, int flags)")(listener, null, null, SOCK.cloexec));
        if (connection >= 0) {
          try {
            return terminal(receiveFd(connection));
          } finally {
            closeSync(connection);
          }
        }
        signal.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
  };
}

/** recvmsg(2) of one descriptor. The header is laid out for 64-bit Linux. */
function receiveFd(connection: number): number {
  const koffi = createRequire(import.meta.filename)("koffi") as { address(value: unknown): bigint }; // only this function is used
  const data = Buffer.alloc(4096);
  const control = Buffer.alloc(64);
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(koffi.address(data), 0);
  vector.writeBigUInt64LE(BigInt(data.length), 8);
  const header = Buffer.alloc(56);
  header.writeBigUInt64LE(koffi.address(vector), 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(koffi.address(control), 32);
  header.writeBigUInt64LE(BigInt(control.length), 40);
  const os = syscalls();
  if (Number(os.libc("long recvmsg(int fd, uint8_t *m, int flags)")(connection, header, 0)) < 0) os.fail("recvmsg from the console socket");
  return control.readInt32LE(16);
}

function terminal(fd: number): Terminal {
  const stream = new ReadStream(fd);
  const room = drained(stream);
  const os = syscalls();
  return {
    stream,
    write: (data) => {
      if (stream.destroyed) return undefined;
      stream.write(data);
      return room();
    },
    resize: ({ w, h }) => {
      const size = Buffer.alloc(8);
      size.writeUInt16LE(h, 0);
      size.writeUInt16LE(w, 2);
      os.libc("int ioctl(int fd, ulong request, const uint8_t *p)")(fd, TIOCSWINSZ, size);
    },
    rest: () => readRest(fd),
    close: () => stream.destroy(),
  };
}

/** Everything up to EIO, which says that the other end is closed and nothing is left (pty(7)). */
function readRest(fd: number): Buffer {
  const chunks: Buffer[] = [];
  try {
    for (;;) {
      const chunk = Buffer.alloc(4096);
      const length = readSync(fd, chunk);
      if (length === 0) break;
      chunks.push(chunk.subarray(0, length));
    }
  } catch {
    // EIO, or EAGAIN where somebody holds the other end
  }
  return Buffer.concat(chunks);
}
