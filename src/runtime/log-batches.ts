import { closeSync, existsSync, type FSWatcher, fstatSync, openSync, readSync, statSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { setImmediate } from "node:timers/promises";
import { inodeOf, logFiles } from "./log-files.ts";
import { type LogEntry, LogLines } from "./log-lines.ts";

/** A place in a log: what is before it is left out. A log that was rotated since is read from its start. */
export interface LogPosition {
  readonly inode: number;
  readonly offset: number;
}

/** The log's present end; undefined where there is no log yet. */
export function logEnd(path: string): LogPosition | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && { inode: stat.ino, offset: stat.size };
}

export interface LogReading {
  readonly follow?: boolean;
  readonly from?: LogPosition;
  /** True when the container has ended: following stops when the log is read to its end. */
  readonly ended: () => boolean;
  /** Settles when `ended` may have become true: an exit is not a change of the log. */
  readonly wake?: Promise<unknown>;
  readonly signal: AbortSignal;
}

/**
 * What a log has and gains, in its order: batches of entries, and an empty one each time its present end is reached. Others get their turn between two
 * batches of a long log. Following waits on the file system's events, never on a timer alone.
 */
export async function* logBatches(path: string, reading: LogReading, { parts }: { parts: boolean }): AsyncGenerator<readonly LogEntry[]> {
  const changes = new LogChanges(path, reading);
  const lines = new LogLines({ parts });
  let file: { readonly fd: number; offset: number } | undefined;
  let drained = false;
  try {
    for (;;) {
      changes.seen();
      const ended = reading.ended();
      const last = !reading.follow || ended;
      file ??= firstFile(path, reading.from);
      if (file) {
        for (let more = true; more; ) {
          const bytes = read(file.fd, file.offset);
          file.offset += bytes.length;
          const entries = lines.entriesOf(bytes);
          if (entries.length > 0) yield entries;
          more = bytes.length === scratch.length;
          if (more) await setImmediate();
        }
        const next = last || changes.renamed ? fileAfter(path, fstatSync(file.fd).ino) : undefined;
        if (next) {
          // What was written between the last read and the rotation is still to be read.
          if (drained) {
            closeSync(file.fd);
            file = { fd: openSync(next, "r"), offset: 0 };
            lines.nextFile();
          }
          drained = !drained;
          continue;
        }
        changes.renamed = false;
      }
      const unfinished = last ? lines.unfinished() : [];
      if (unfinished.length > 0) yield unfinished;
      yield [];
      if (last || reading.signal.aborted) return;
      await changes.next();
    }
  } finally {
    changes.close();
    if (file) closeSync(file.fd);
  }
}

/** Where nothing tells of a container's end, it is looked for so often. */
const lookMs = 250;
/** Beside the file system's word and that of the container's end: for a file system that lost an event. */
const safetyMs = 5000;

/** Waits for a log's changes: it was written, another file began, its container ended, or nobody wants it any more. */
class LogChanges {
  /** Another file may have begun. */
  renamed = true;
  readonly #signal: AbortSignal;
  readonly #watcher: FSWatcher | undefined;
  #told: boolean;
  #dirty = false;
  #wake = () => {};

  constructor(path: string, { follow, wake, signal }: LogReading) {
    this.#signal = signal;
    if (follow && existsSync(dirname(path)))
      this.#watcher = watch(dirname(path), (event, file) => {
        if (file !== basename(path) && file !== null) return;
        this.renamed ||= event === "rename";
        this.#changed();
      });
    signal.addEventListener("abort", this.#changed, { once: true });
    this.#told = wake !== undefined;
    const ended = () => {
      this.#told = false;
      this.#changed();
    };
    void wake?.then(ended, ended);
  }

  readonly #changed = () => {
    this.#dirty = true;
    this.#wake();
  };

  /** What comes from now on is a change. */
  seen(): void {
    this.#dirty = false;
  }

  async next(): Promise<void> {
    if (this.#dirty) return;
    await new Promise<void>((resolve) => {
      const look = () => {
        this.renamed = true;
        resolve();
      };
      const timer = setTimeout(look, this.#watcher && this.#told ? safetyMs : lookMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close(): void {
    this.#watcher?.close();
    this.#signal.removeEventListener("abort", this.#changed);
  }
}

/** The oldest file, or the one of a position. */
function firstFile(path: string, from: LogPosition | undefined): { fd: number; offset: number } | undefined {
  const files = logFiles(path);
  const known = from && files.find((file) => inodeOf(file) === from.inode);
  const file = known ?? files[0];
  return file === undefined ? undefined : { fd: openSync(file, "r"), offset: known ? (from?.offset ?? 0) : 0 };
}

/** The file that was begun after the one with this inode; undefined while that is the newest. One that is gone was older than all that are there. */
function fileAfter(path: string, inode: number): string | undefined {
  const files = logFiles(path);
  return files[files.findIndex((file) => inodeOf(file) === inode) + 1];
}

/** Read into, and copied out of at once: a follower's every wake-up asks for a few bytes only. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

function read(fd: number, offset: number): Buffer {
  return Buffer.from(scratch.subarray(0, readSync(fd, scratch, 0, scratch.length, offset)));
}
