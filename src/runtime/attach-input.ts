import { closeSync } from "node:fs";
import { AF, MSG, SHUT_WR, SOCK, syscalls, unixAddress } from "../system/index.ts";

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
    this.#fd = os.socket(AF.unix, SOCK.seqpacket | SOCK.cloexec | SOCK.nonblock, 0);
    const address = unixAddress(path);
    if (Number(os.libc("int connect(int fd, const uint8_t *a, uint l)")(this.#fd, address, address.length)) < 0) {
      try {
        os.fail(`connect to ${path}`);
      } finally {
        closeSync(this.#fd);
      }
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
    closeSync(this.#fd);
  }

  #flush(): void {
    if (this.#closed) return;
    const os = syscalls();
    for (let packet = this.#queue[0]; packet; packet = this.#queue[0]) {
      const sent = Number(
        os.libc("long send(int fd, const uint8_t *b, size_t n, int flags)")(this.#fd, packet, packet.length, MSG.dontwait | MSG.nosignal),
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
      for (let count = 0; count < 256 && Number(recv(this.#fd, buffer, buffer.length, MSG.dontwait)) > 0; count++);
      if (this.#queue.length > 0) this.#flush();
      this.#timer = setTimeout(tick, 5);
      this.#timer.unref();
    };
    tick();
  }
}
