import { closeSync, existsSync, type FSWatcher, fstatSync, openSync, readSync, statSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { logFiles } from "./log-files.ts";

export interface LogEntry {
  readonly stream: 1 | 2;
  /** RFC 3339 with nanoseconds, UTC. */
  readonly time: string;
  /** A whole line with its "\n", or the rest without one. */
  readonly data: Buffer;
}

/** A place in a log: what is before it is left out. A log that was rotated since is read from its start. */
export interface LogPosition {
  readonly inode: number;
  readonly offset: number;
}

export interface LogQuery {
  readonly follow?: boolean;
  /** Lines from the end; undefined: all. */
  readonly tail?: number;
  /** Milliseconds since the epoch. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly from?: LogPosition;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** True when the container has ended: following stops when the log is read to its end. */
  readonly ended: () => boolean;
  /** Settles when `ended` may have become true: an exit is not a change of the log. */
  readonly wake?: Promise<unknown>;
  readonly signal: AbortSignal;
}

/** The log's present end; undefined where there is no log yet. */
export function logEnd(path: string): LogPosition | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && { inode: stat.ino, offset: stat.size };
}

/** The output as it was written, as far as it is known: what came together of one stream is one piece. */
export async function* readOutput(path: string, query: LogQuery): AsyncGenerator<Pick<LogEntry, "stream" | "data">> {
  let stream: 1 | 2 = 1;
  let pieces: Buffer[] = [];
  for await (const entry of lines(path, query, true)) {
    const kept = entry !== "end" && wanted(entry, query) ? entry : undefined;
    if (pieces.length > 0 && (entry === "end" || (kept && kept.stream !== stream))) {
      yield { stream, data: Buffer.concat(pieces) };
      pieces = [];
    }
    if (!kept) continue;
    stream = kept.stream;
    pieces.push(kept.data);
    if (pieces.length < 256) continue;
    yield { stream, data: Buffer.concat(pieces) };
    pieces = [];
  }
}

/**
 * Reads conmon's k8s-file log: `<time> <stdout|stderr> <F|P> <text>`, P for a part of a line that goes on. With `raw` parts are given as they come (a terminal),
 * otherwise joined to lines. Following waits on the file system's events, never on a timer alone.
 */
export async function* readLogs(path: string, query: LogQuery, raw = false): AsyncGenerator<LogEntry> {
  if (query.tail === 0 && !query.follow) return;
  const entries = lines(path, query, raw);
  if (query.tail === undefined) {
    yield* filter(entries, query);
    return;
  }
  // What is there now is read to its end to know the last lines; what comes later follows in order.
  let last: LogEntry[] = [];
  let caughtUp = false;
  for await (const entry of entries) {
    if (entry === "end") {
      if (!caughtUp) for (const kept of last) yield kept;
      caughtUp = true;
      last = [];
      continue;
    }
    if (!wanted(entry, query)) continue;
    if (caughtUp) yield entry;
    else if (query.tail > 0) {
      last.push(entry);
      if (last.length > query.tail) last.shift();
    }
  }
}

async function* filter(entries: AsyncGenerator<LogEntry | "end">, query: LogQuery): AsyncGenerator<LogEntry> {
  for await (const entry of entries) if (entry !== "end" && wanted(entry, query)) yield entry;
}

function wanted(entry: LogEntry, query: LogQuery): boolean {
  if (entry.stream === 1 ? !query.stdout : !query.stderr) return false;
  if (query.sinceMs === undefined && query.untilMs === undefined) return true;
  const at = Date.parse(entry.time);
  return at >= (query.sinceMs ?? 0) && at <= (query.untilMs ?? Number.POSITIVE_INFINITY);
}

/** All entries from the start; "end" each time the present end is reached. */
async function* lines(path: string, query: LogQuery, raw: boolean): AsyncGenerator<LogEntry | "end"> {
  let changed = () => {};
  let dirty = false;
  let watcher: FSWatcher | undefined;
  const onChange = () => {
    dirty = true;
    changed();
  };
  if (query.follow && existsSync(dirname(path)))
    watcher = watch(dirname(path), (_, file) => (file === basename(path) || file === null) && onChange());
  query.signal.addEventListener("abort", onChange, { once: true });
  void query.wake?.then(onChange, onChange);
  let fd: number | undefined;
  let offset = 0;
  let drained = false;
  let rest: Buffer = Buffer.alloc(0);
  const partial = new Map<1 | 2, { time: string; parts: Buffer[] }>();
  try {
    for (;;) {
      dirty = false;
      const ended = query.ended();
      if (fd === undefined) ({ fd, offset } = firstFile(path, query.from));
      if (fd !== undefined) {
        for (let chunk = readChunk(fd, offset); chunk.length > 0; chunk = readChunk(fd, offset)) {
          offset += chunk.length;
          rest = rest.length ? Buffer.concat([rest, chunk]) : chunk;
          let from = 0;
          for (let at = rest.indexOf(10, from); at >= 0; at = rest.indexOf(10, from)) {
            const entry = parseLine(rest.subarray(from, at));
            from = at + 1;
            if (!entry) continue;
            if (raw) {
              yield { stream: entry.stream, time: entry.time, data: entry.partial ? entry.text : Buffer.concat([entry.text, newline]) };
              continue;
            }
            const open = partial.get(entry.stream) ?? { time: entry.time, parts: [] };
            open.parts.push(entry.text);
            if (entry.partial) {
              partial.set(entry.stream, open);
              continue;
            }
            partial.delete(entry.stream);
            yield { stream: entry.stream, time: open.time, data: Buffer.concat([...open.parts, newline]) };
          }
          rest = rest.subarray(from);
        }
        const next = fileAfter(path, fstatSync(fd).ino);
        if (next) {
          // What was written between the last read and the rotation is still to be read.
          if (drained) {
            closeSync(fd);
            fd = openSync(next, "r");
            offset = 0;
            rest = Buffer.alloc(0);
          }
          drained = !drained;
          continue;
        }
      }
      if (!query.follow || ended) for (const [stream, open] of partial) yield { stream, time: open.time, data: Buffer.concat(open.parts) };
      yield "end";
      if (!query.follow || ended || query.signal.aborted) return;
      if (!dirty) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, 250); // an exit is not a change of this file
          changed = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    }
  } finally {
    watcher?.close();
    if (fd !== undefined) closeSync(fd);
  }
}

/** The oldest file, or the one of a position. */
function firstFile(path: string, from: LogPosition | undefined): { fd: number | undefined; offset: number } {
  const files = logFiles(path);
  const known = from && files.find((file) => inodeOf(file) === from.inode);
  const file = known ?? files[0];
  return { fd: file ? openSync(file, "r") : undefined, offset: known ? (from?.offset ?? 0) : 0 };
}

/** The file that was begun after the one with this inode; undefined while that is the newest. One that is gone was older than all that are there. */
function fileAfter(path: string, inode: number): string | undefined {
  const files = logFiles(path);
  return files[files.findIndex((file) => inodeOf(file) === inode) + 1];
}

const inodeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.ino;
const newline = Buffer.from("\n");

function parseLine(line: Buffer): { time: string; stream: 1 | 2; partial: boolean; text: Buffer } | undefined {
  const first = line.indexOf(32);
  const second = line.indexOf(32, first + 1);
  const third = line.indexOf(32, second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  const time = line.toString("latin1", 0, first);
  return {
    time: time.endsWith("Z") ? time : new Date(time).toISOString().replace(/\.\d+Z$/, `${/\.\d+/.exec(time)?.[0] ?? ".0"}Z`),
    stream: line.toString("latin1", first + 1, second) === "stderr" ? 2 : 1,
    partial: line.toString("latin1", second + 1, third) === "P",
    text: Buffer.from(line.subarray(third + 1)),
  };
}

function readChunk(fd: number, offset: number): Buffer {
  const buffer = Buffer.allocUnsafe(64 * 1024);
  return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, offset));
}
