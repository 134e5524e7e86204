import { syscalls } from "../system/index.ts";
import { unixAddress } from "./console.ts";

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const SHUT_WR = 1;
const MSG_DONTWAIT = 0x40;

/**
 * The input side of a container: conmon's attach socket, a SOCK_SEQPACKET that Node cannot open. Output is read from the log, so that what comes here
 * is only drained. One packet carries at most 8 KiB, as conmon reads it.
 */
export class AttachInput {
  readonly #fd: number;
  #queue: Buffer[] = [];
  #timer: NodeJS.Timeout | undefined;
  #waiting: (() => void)[] = [];
  #ending = false;
  #closed = false;

  constructor(path: string) {
    const os = syscalls();
    this.#fd = os.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const address = unixAddress(path);
    if (Number(os.libc("int connect(int fd, const uint8_t *a, uint l)")(this.#fd, address, address.length)) < 0) {
      os.libc("int close(int fd)")(this.#fd);
      os.fail(`connect to ${path}`);
    }
    this.#drain();
  }

  /** A promise where the process does not take it for now: settles when all has been passed on, or it is closed. */
  write(data: Uint8Array): Promise<void> | undefined {
    for (let at = 0; at < data.length; at += 8192) this.#queue.push(Buffer.from(data.subarray(at, at + 8192)));
    this.#flush();
    if (this.#queue.length === 0 || this.#closed) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** No more input: the process reads its end of file once everything was passed on. */
  end(): void {
    this.#ending = true;
    this.#flush();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#passedOn();
    syscalls().libc("int close(int fd)")(this.#fd);
  }

  #flush(): void {
    if (this.#closed) return;
    const os = syscalls();
    for (let packet = this.#queue[0]; packet; packet = this.#queue[0]) {
      const sent = Number(
        os.libc("long send(int fd, const uint8_t *b, size_t n, int flags)")(this.#fd, packet, packet.length, MSG_DONTWAIT | 0x4000),
      );
      if (sent < 0) return; // full: the drain timer comes by again
      this.#queue.shift();
    }
    this.#passedOn();
    if (this.#ending) os.libc("int shutdown(int fd, int how)")(this.#fd, SHUT_WR);
  }

  #passedOn(): void {
    for (const tell of this.#waiting.splice(0)) tell();
  }

  /** Takes away what conmon sends to every attached socket, so that it never waits for this one. */
  #drain(): void {
    const os = syscalls();
    const buffer = Buffer.alloc(32 * 1024);
    const recv = os.libc("long recv(int fd, _Out_ uint8_t *b, size_t n, int flags)");
    const tick = () => {
      for (let count = 0; count < 256 && Number(recv(this.#fd, buffer, buffer.length, MSG_DONTWAIT)) > 0; count++);
      if (this.#queue.length > 0) this.#flush();
      this.#timer = setTimeout(tick, 5);
      this.#timer.unref();
    };
    tick();
  }
}
