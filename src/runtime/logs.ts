import { type LogPosition, type LogReading, logBatches, logEnd } from "./log-batches.ts";
import type { LogEntry } from "./log-lines.ts";
import { tailPosition } from "./log-tail.ts";

export interface LogQuery extends LogReading {
  /** Lines from the end; undefined: all. */
  readonly tail?: number;
  /** Milliseconds since the epoch. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** The output as it was written, as far as it is known: what came together of one stream is one piece. */
export async function* readOutput(path: string, query: LogQuery): AsyncGenerator<Pick<LogEntry, "stream" | "data">> {
  for await (const batch of logBatches(path, query, { parts: true })) {
    let pieces: Buffer[] = [];
    let stream: 1 | 2 = 1;
    for (const entry of batch) {
      if (!wanted(entry, query)) continue;
      if (entry.stream !== stream && pieces.length > 0) {
        yield { stream, data: Buffer.concat(pieces) };
        pieces = [];
      }
      stream = entry.stream;
      pieces.push(entry.data);
    }
    if (pieces.length > 0) yield { stream, data: Buffer.concat(pieces) };
  }
}

/** Entries that come together, in batches. With `parts` those of a line come as they were written (a terminal's output), otherwise joined to lines. */
export async function* readLogs(path: string, query: LogQuery, { parts = false } = {}): AsyncGenerator<readonly LogEntry[]> {
  const { tail } = query;
  if (tail === 0 && !query.follow) return;
  const from = tail === undefined ? query.from : tailFrom(path, tail, query);
  // What is there now is read to its end to know the last lines; what comes later follows in order.
  let last: LogEntry[] | undefined = tail === undefined || tail === 0 ? undefined : [];
  for await (const batch of logBatches(path, { ...query, ...(from ? { from } : {}) }, { parts })) {
    if (last && batch.length === 0) {
      if (last.length > 0) yield last;
      last = undefined;
    }
    const kept = batch.filter((entry) => wanted(entry, query));
    if (last) last = lastLines([...last, ...kept], tail ?? 0);
    else if (kept.length > 0) yield kept;
  }
}

function tailFrom(path: string, tail: number, query: LogQuery): LogPosition | undefined {
  return tail === 0 ? logEnd(path) : tailPosition(path, tail, (entry) => wanted(entry, query));
}

/** The entries of the last lines; one without an end is a line, too. */
function lastLines(entries: LogEntry[], count: number): LogEntry[] {
  let found = 0;
  for (let at = entries.length - 1; at >= 0; at--) {
    const ends = entries[at]?.data.at(-1) === 0x0a;
    if ((ends || at === entries.length - 1) && ++found > count) return entries.slice(at + 1);
  }
  return entries;
}

function wanted(entry: LogEntry, query: LogQuery): boolean {
  if (entry.stream === 1 ? !query.stdout : !query.stderr) return false;
  if (query.sinceMs === undefined && query.untilMs === undefined) return true;
  const at = entryMs(entry.time);
  return at >= (query.sinceMs ?? 0) && at <= (query.untilMs ?? Number.POSITIVE_INFINITY);
}

/** Milliseconds with their fraction: two lines may be written in one. */
function entryMs(time: string): number {
  const finer = /\.\d{3}(\d+)/.exec(time)?.[1];
  return Date.parse(time) + (finer ? Number(`0.${finer}`) : 0);
}
