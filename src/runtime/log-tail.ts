import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { LogPosition } from "./log-batches.ts";
import { inodeOf, logFiles } from "./log-files.ts";
import { type LogLine, parseLogLine } from "./log-lines.ts";

const chunkBytes = 64 * 1024;
/** Looked through at most for the beginning of a line of one stream between lines of the other. */
const mixedBytes = 1024 * 1024;

/**
 * A place of the log before which nothing is needed for its last `count` wanted entries, found from its end: a long log costs no more than a short one. Between
 * it and the end there may be more than `count`. Undefined: the whole log is needed, or there is none.
 */
export function tailPosition(path: string, count: number, wanted: (line: LogLine) => boolean): LogPosition | undefined {
  const counted = new LineCount(count, wanted);
  for (const file of logFiles(path).reverse()) {
    const inode = inodeOf(file);
    if (inode === undefined) continue;
    for (const { line, end } of linesBackwards(file)) if (counted.enoughAt(line)) return { inode, offset: end };
  }
  return undefined;
}

/** Counts entries from the newest to the oldest. */
class LineCount {
  readonly #count: number;
  readonly #wanted: (line: LogLine) => boolean;
  readonly #seen = new Set<1 | 2>();
  /** Streams whose oldest entry so far may have begun further back. */
  readonly #open = new Set<1 | 2>();
  #found = 0;
  #extraBytes = 0;

  constructor(count: number, wanted: (line: LogLine) => boolean) {
    this.#count = count;
    this.#wanted = wanted;
  }

  /** Is everything needed newer than this line? */
  enoughAt(line: LogLine): boolean {
    if (!this.#wanted(line)) return false;
    const { stream, partial } = line;
    if (!partial) this.#open.delete(stream);
    if (this.#found >= this.#count) {
      if (!partial && (this.#open.size === 0 || this.#extraBytes > mixedBytes)) return true;
      this.#extraBytes += line.data.length;
    }
    // A line that has no end yet counts, too.
    if (!partial || !this.#seen.has(stream)) this.#found++;
    this.#seen.add(stream);
    this.#open.add(stream);
    return false;
  }
}

/** A file's lines from the last to the first, each with the place behind it. */
function* linesBackwards(file: string): Generator<{ line: LogLine; end: number }> {
  const fd = openSync(file, "r");
  try {
    let rest: Buffer = Buffer.alloc(0);
    for (let start = fstatSync(fd).size; start > 0; ) {
      const length = Math.min(chunkBytes, start);
      start -= length;
      const chunk = Buffer.allocUnsafe(length);
      readSync(fd, chunk, 0, length, start);
      const bytes = rest.length > 0 ? Buffer.concat([chunk, rest]) : chunk;
      let end = bytes.lastIndexOf(newline);
      if (end < 0) {
        rest = bytes;
        continue;
      }
      while (end >= 0) {
        const before = end === 0 ? -1 : bytes.lastIndexOf(newline, end - 1);
        if (before < 0 && start > 0) break;
        const line = parseLogLine(bytes, before + 1, end);
        if (line) yield { line, end: start + end + 1 };
        end = before;
      }
      rest = bytes.subarray(0, end + 1);
    }
  } finally {
    closeSync(fd);
  }
}

const newline = 0x0a;
