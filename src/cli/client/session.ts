import type { Readable } from "node:stream";
import { detachWatch, usualDetachKeys } from "../../api/index.ts";
import type { CliContext, Output } from "../context.ts";
import { parseDetachKeys } from "./detach-keys.ts";
import type { HijackedConnection } from "./engine-client.ts";
import { demultiplex } from "./frames.ts";

export interface SessionOptions {
  readonly context: Pick<CliContext, "stdin" | "stdout" | "stderr">;
  readonly connection: HijackedConnection;
  /** The container's side has a terminal: ours goes to raw mode where it is one, and its size is passed on. */
  readonly tty: boolean;
  /** Whether what comes in here goes to the container. */
  readonly stdin: boolean;
  /** Tells the engine the terminal's size. Errors are ignored: the process may not be there yet, or no more. */
  readonly resize?: (size: { readonly w: number; readonly h: number }) => Promise<unknown>;
  /** "ctrl-p,ctrl-q" where not given. */
  readonly detachKeys?: string | undefined;
  /** Gets every signal while there is no terminal (with one, its keys do it). Without it signals do what they always do. */
  readonly onSignal?: ((signal: NodeJS.Signals) => Promise<unknown>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a process can be sent that it could handle; the rest is about ourselves. */
const forwarded = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGCONT"] as const;

/**
 * Runs the user's side of a connection that was taken over until the container's side ends or the detach keys are typed. The terminal is
 * put back as it was, however it ends.
 */
export async function runSession(o: SessionOptions): Promise<"ended" | "detached"> {
  const { stdin, stdout, stderr } = o.context;
  const { stream } = o.connection;
  const undo: (() => void)[] = [];
  let detached = false;
  stream.on("error", () => {}); // The copying below sees it too.
  try {
    const size = o.tty ? followSize(stdout, o.resize) : undefined;
    if (size) undo.push(rawMode(stdin), size.stop);
    else if (o.onSignal) undo.push(forwardSignals(o.onSignal));
    if (o.signal) undo.push(onAbort(o.signal, () => stream.destroy()));
    if (o.stdin) {
      const keys = o.tty ? parseDetachKeys(o.detachKeys || usualDetachKeys) : undefined;
      undo.push(
        copyInput(stdin, stream, keys, () => {
          detached = true;
          stream.destroy();
        }),
      );
    }
    try {
      if (o.connection.multiplexed && !o.tty)
        for await (const { stream: kind, data } of demultiplex(stream)) await write(kind === 2 ? stderr : stdout, data);
      else {
        let isFirst = true;
        for await (const data of stream as AsyncIterable<Buffer>) {
          // A size that is told while the terminal is being made gets lost; now it is there for certain.
          if (isFirst) size?.tellAgain();
          isFirst = false;
          await write(stdout, data);
        }
      }
    } catch (error) {
      if (!detached && !isClosed(error)) throw error;
    }
    return detached ? "detached" : "ended";
  } finally {
    for (const step of undo.reverse()) step();
    stream.destroy();
  }
}

/** Writes, and waits where the reader is slow. */
export function write(output: Output, data: Buffer | string): Promise<void> {
  if (output.write(data)) return Promise.resolve();
  return new Promise((resolve) => output.once("drain", resolve));
}

function rawMode(stdin: CliContext["stdin"]): () => void {
  const terminal = stdin as CliContext["stdin"] & { setRawMode?: (on: boolean) => void; isRaw?: boolean };
  if (!terminal.isTTY || !terminal.setRawMode) return () => {};
  const before = terminal.isRaw === true;
  terminal.setRawMode(true);
  return () => terminal.setRawMode?.(before);
}

function followSize(stdout: Output, resize: SessionOptions["resize"]): { stop(): void; tellAgain(): void } {
  if (!stdout.isTTY || !resize) return { stop: () => {}, tellAgain: () => {} };
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  const tell = async (waitMs: number): Promise<void> => {
    clearTimeout(timer);
    try {
      await resize({ w: stdout.columns ?? 80, h: stdout.rows ?? 24 });
    } catch {
      // The process may not be there yet: a start takes from 20 ms to seconds.
      if (!over) timer = setTimeout(() => begin(Math.min(500, waitMs * 1.5)), waitMs);
    }
  };
  const begin = (waitMs: number) => {
    tell(waitMs).catch(() => {});
  };
  const onResize = () => begin(20);
  begin(20);
  stdout.on("resize", onResize);
  return {
    tellAgain: onResize,
    stop: () => {
      over = true;
      clearTimeout(timer);
      stdout.off("resize", onResize);
    },
  };
}

function forwardSignals(onSignal: (signal: NodeJS.Signals) => Promise<unknown>): () => void {
  // The container may have ended meanwhile: then there is nobody to signal.
  const handlers = forwarded.map((signal) => [signal, () => void onSignal(signal).catch(() => {})] as const);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

function onAbort(signal: AbortSignal, then: () => void): () => void {
  if (signal.aborted) then();
  signal.addEventListener("abort", then, { once: true });
  return () => signal.removeEventListener("abort", then);
}

/** stdin to the connection, at its pace; its end half-closes the connection, so that the output still comes. */
function copyInput(stdin: Readable, stream: HijackedConnection["stream"], keys: Buffer | undefined, onDetach: () => void): () => void {
  const watch = keys ? detachWatch(keys) : undefined;
  const onData = (chunk: Buffer) => {
    const { pass: send, detached } = watch ? watch.feed(chunk) : { pass: chunk, detached: false };
    if (send.length > 0 && stream.writable && !stream.write(send)) {
      stdin.pause();
      stream.once("drain", () => stdin.resume());
    }
    if (detached) onDetach();
  };
  const onEnd = () => {
    stream.end();
  };
  stdin.on("data", onData);
  stdin.once("end", onEnd);
  stdin.once("error", onEnd);
  stdin.resume();
  return () => {
    stdin.off("data", onData);
    stdin.off("end", onEnd);
    stdin.off("error", onEnd);
    stdin.pause();
  };
}

function isClosed(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ERR_STREAM_PREMATURE_CLOSE" || code === "ECONNRESET" || code === "EPIPE";
}
