import { demultiplex, type EngineClient, type Query } from "./client/index.ts";
import { LineCutter } from "./render/log-lines.ts";

export interface LinesQuery {
  readonly follow?: boolean | undefined;
  readonly timestamps?: boolean | undefined;
  /** A number of lines from the end, or "all". */
  readonly tail?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** The output of a container, line by line, both streams; with `follow` until it ends. */
export async function* containerLines(client: EngineClient, id: string, o: LinesQuery, signal: AbortSignal): AsyncGenerator<string> {
  const { follow, timestamps, tail = "all", since, until } = o;
  const query: Query = { stdout: true, stderr: true, follow, timestamps, tail: tail.startsWith("-") ? "all" : tail, since, until };
  const answer = await client.request("GET", `/containers/${id}/logs`, { query, signal });
  const cutters = { 1: new LineCutter(), 2: new LineCutter() };
  const body = answer.body as AsyncIterable<Buffer>; // a response without an encoding yields buffers
  if (answer.headers["content-type"]?.includes("multiplexed")) {
    for await (const { stream, data } of demultiplex(body)) yield* cutters[stream].cut(data);
  } else {
    for await (const data of body) yield* cutters[1].cut(data);
  }
  yield* cutters[1].rest();
  yield* cutters[2].rest();
}
