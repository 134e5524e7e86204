import { demultiplex, type EngineClient, type Query } from "./client/index.ts";
import { moment } from "./moment.ts";
import { LineCutter } from "./render/log-lines.ts";

export interface LinesQuery {
  readonly follow?: boolean | undefined;
  readonly timestamps?: boolean | undefined;
  /** A number of lines from the end, or "all". */
  readonly tail?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

export interface LogLine {
  /** 1: stdout, 2: stderr; a terminal has only the first. */
  readonly stream: 1 | 2;
  readonly line: string;
}

/** The output of a container, line by line, both streams; with `follow` until it ends. */
export async function* containerLines(client: EngineClient, id: string, o: LinesQuery, signal: AbortSignal): AsyncGenerator<string> {
  for await (const { line } of containerLogLines(client, id, o, signal)) yield line;
}

/** The same with the stream that each line came by. */
export async function* containerLogLines(client: EngineClient, id: string, o: LinesQuery, signal: AbortSignal): AsyncGenerator<LogLine> {
  const { follow, timestamps, tail = "all" } = o;
  const query: Query = {
    stdout: true,
    stderr: true,
    follow,
    timestamps,
    tail: tail.startsWith("-") ? "all" : tail,
    since: moment(o.since, Date.now()),
    until: moment(o.until, Date.now()),
  };
  const answer = await client.request("GET", `/containers/${id}/logs`, { query, signal });
  const cutters = { 1: new LineCutter(), 2: new LineCutter() };
  const body = answer.body as AsyncIterable<Buffer>; // a response without an encoding yields buffers
  if (answer.headers["content-type"]?.includes("multiplexed")) {
    for await (const { stream, data } of demultiplex(body)) for (const line of cutters[stream].cut(data)) yield { stream, line };
  } else {
    for await (const data of body) for (const line of cutters[1].cut(data)) yield { stream: 1, line };
  }
  for (const stream of [1, 2] as const) for (const line of cutters[stream].rest()) yield { stream, line };
}
