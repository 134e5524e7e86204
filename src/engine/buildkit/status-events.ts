import { createHash } from "node:crypto";
import type { BuildEvent } from "../../api/index.ts";
import { ruleDescription } from "../../build/index.ts";
import { endLine, type Source } from "./solve-status.ts";

/** google.protobuf.Timestamp */
export interface Timestamp {
  readonly seconds: number;
  readonly nanos: number;
}

export function timestamp(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: Math.round((ms - seconds * 1000) * 1e6) };
}

/** Events of one build as moby.buildkit.v1.StatusResponse. Steps of different builds never share a digest, whatever they are called. */
export class StatusEvents {
  readonly #build: string;
  readonly #source: () => Source | undefined;
  readonly #transfers = new Map<string, number>();
  #definition: string | undefined;

  constructor(o: { build: string; source: () => Source | undefined }) {
    this.#build = o.build;
    this.#source = o.source;
  }

  response(event: BuildEvent): object {
    switch (event.type) {
      case "vertex":
        if (event.name.startsWith("[internal] load build definition")) this.#definition = event.id;
        return {
          vertexes: [
            {
              digest: this.digest(event.id),
              name: event.name,
              inputs: event.inputs.map((id) => this.digest(id)),
              cached: event.cached ?? false,
              ...(event.startedMs === undefined ? {} : { started: timestamp(event.startedMs) }),
              ...(event.completedMs === undefined ? {} : { completed: timestamp(event.completedMs) }),
              ...(event.error === undefined ? {} : { error: event.error }),
            },
          ],
        };
      case "log":
        return {
          logs: [
            { vertex: this.digest(event.vertex), stream: event.stream, msg: Buffer.from(event.text), timestamp: timestamp(event.timeMs) },
          ],
        };
      case "progress": {
        const now = Date.now();
        const key = `${event.vertex} ${event.id}`;
        const started = this.#transfers.get(key) ?? now;
        this.#transfers.set(key, started);
        const { id, current, total, done } = event;
        const times = { timestamp: timestamp(now), started: timestamp(started), ...(done ? { completed: timestamp(now) } : {}) };
        return { statuses: [{ ID: id, vertex: this.digest(event.vertex), name: id, current, total, ...times }] };
      }
      case "warning":
        return { warnings: [this.#warning(event)] };
      default:
        return event satisfies never;
    }
  }

  #warning(event: Extract<BuildEvent, { type: "warning" }>): object {
    const place = event.place && "file" in event.place ? event.place : undefined;
    const line = place?.line;
    const source = this.#source();
    return {
      vertex: this.digest(this.#definition ?? ""),
      level: 1,
      short: Buffer.from(`${event.rule ? `${event.rule}: ` : ""}${event.message}${line === undefined ? "" : ` (line ${line})`}`),
      ...(event.rule ? { detail: [Buffer.from(ruleDescription(event.rule))] } : {}),
      ...(event.url ? { url: event.url } : {}),
      ...(source ? { info: { filename: source.file, data: Buffer.from(source.content), language: "Dockerfile" } } : {}),
      ...(source && line !== undefined ? { ranges: [{ start: { line }, end: { line: endLine(source, line) } }] } : {}),
    };
  }

  /** How Status names a step. */
  digest(id: string): string {
    return `sha256:${createHash("sha256").update(`${this.#build} ${id}`).digest("hex")}`;
  }
}
