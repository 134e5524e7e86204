export interface LogEntry {
  readonly stream: 1 | 2;
  /** RFC 3339 with nanoseconds and an offset, as the monitor wrote it. */
  readonly time: string;
  /** A whole line with its "\n", or a part without one. */
  readonly data: Buffer;
}

/** An entry, or a part of one that goes on in a later line of the same stream. */
export interface LogLine extends LogEntry {
  readonly partial: boolean;
}

/**
 * One line of conmon's k8s-file log: `<time> <stdout|stderr> <F|P> <text>`, P for a part that goes on (the CRI logging format: kubernetes/design-proposals-archive,
 * node/kubelet-cri-logging.md). `end` is the place of its "\n". Undefined where these bytes are none; the data is a view of them.
 */
export function parseLogLine(bytes: Buffer, start: number, end: number): LogLine | undefined {
  const first = bytes.indexOf(space, start);
  const text = first + textAfter;
  if (first < 0 || text > end || bytes[text - 1] !== space || bytes[text - 3] !== space) return undefined;
  const partial = bytes[text - 2] === letterP;
  return {
    stream: bytes[first + 4] === letterE ? 2 : 1,
    time: bytes.toString("latin1", start, first),
    partial,
    data: bytes.subarray(text, partial ? end : end + 1),
  };
}

/** An entry's time in UTC, as Docker's clients expect it. */
export function utcTime({ time }: LogEntry): string {
  if (time.endsWith("+00:00")) return `${time.slice(0, -6)}Z`;
  if (time.endsWith("Z") || Number.isNaN(Date.parse(time))) return time;
  return new Date(time).toISOString().replace(/\.\d+Z$/, `${/\.\d+/.exec(time)?.[0] ?? ".0"}Z`);
}

/** Lines of a log's bytes, joined to entries; bytes that are no line of a log are left out. With `parts` they come as they were written (a terminal's output). */
export class LogLines {
  readonly #parts: boolean;
  /** The beginning of a line whose end was not read yet. */
  #rest: Buffer = Buffer.alloc(0);
  readonly #open = new Map<1 | 2, { time: string; parts: Buffer[] }>();

  constructor({ parts }: { parts: boolean }) {
    this.#parts = parts;
  }

  /** The entries that end in these bytes; they keep views of them. */
  entriesOf(bytes: Buffer): LogEntry[] {
    const entries: LogEntry[] = [];
    const all = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    let start = 0;
    for (let end = all.indexOf(newline); end >= 0; end = all.indexOf(newline, start)) {
      const line = parseLogLine(all, start, end);
      start = end + 1;
      const entry = line && (this.#parts ? line : this.#joined(line));
      if (entry) entries.push(entry);
    }
    this.#rest = all.subarray(start);
    return entries;
  }

  #joined(line: LogLine): LogEntry | undefined {
    const open = this.#open.get(line.stream);
    if (!line.partial) {
      if (!open) return line;
      this.#open.delete(line.stream);
      return { stream: line.stream, time: open.time, data: Buffer.concat([...open.parts, line.data]) };
    }
    if (open) open.parts.push(line.data);
    else this.#open.set(line.stream, { time: line.time, parts: [line.data] });
    return undefined;
  }

  /** Another file begins. */
  nextFile(): void {
    this.#rest = Buffer.alloc(0);
  }

  /** What no line's end came for. */
  unfinished(): LogEntry[] {
    const entries = [...this.#open].map(([stream, { time, parts }]) => ({ stream, time, data: Buffer.concat(parts) }));
    this.#open.clear();
    return entries;
  }
}

const newline = 0x0a;
const space = 0x20;
const letterP = 0x50;
/** The fourth letter behind the space tells " stderr" from " stdout". */
const letterE = 0x65;
/** Of the first space: " stdout F " and " stderr P " are equally long. */
const textAfter = 10;
