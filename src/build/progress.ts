import { createHash } from "node:crypto";
import { createWriteStream, type WriteStream } from "node:fs";
import type { BuildEvent } from "../api/index.ts";
import { drained, messageOf } from "../system/index.ts";
import type { BuildOptions } from "./build-options.ts";
import type { TakeOutput } from "./cache/steps-in-flight.ts";

/** The steps of one build as BuildKit's Status would tell them. Everything also goes to the build's log file, which is never clipped. */
export class Progress {
  private readonly o: Pick<BuildOptions, "onEvent" | "room">;
  private readonly fileRoom: (() => Promise<void> | undefined) | undefined;
  private readonly file: WriteStream | undefined;
  private readonly ended = new Set<string>();
  /** Errors that are some step's own. */
  private readonly told = new WeakSet<Error>();
  readonly logFile: string;

  /** Without a log file it only tells. */
  constructor(o: Pick<BuildOptions, "onEvent" | "room">, logFile = "") {
    this.o = o;
    this.logFile = logFile;
    this.file = logFile === "" ? undefined : createWriteStream(logFile, { mode: 0o600 });
    this.fileRoom = this.file ? drained(this.file) : undefined;
  }

  private tell(event: BuildEvent): void {
    this.o.onEvent(event);
  }

  /** Announces a step, so that a reader knows how many there are. */
  declare(name: string, inputs: readonly string[] = []): Vertex {
    const id = `sha256:${createHash("sha256").update(name).digest("hex")}`;
    this.tell({ type: "vertex", id, name, inputs: [...inputs] });
    return { id, name, inputs };
  }

  /** Runs one step and tells its start, its end and its error. */
  async run<T>(vertex: Vertex, work: (step: { cached: () => void; log: TakeOutput }) => Promise<T>): Promise<T> {
    const { id, name } = vertex;
    const inputs = [...vertex.inputs];
    const startedMs = nowMs();
    let cached = false;
    this.tell({ type: "vertex", id, name, inputs, startedMs });
    this.file?.write(`#> ${name}\n`);
    const end = (error?: string) => {
      this.ended.add(id);
      const event = { type: "vertex" as const, id, name, inputs, startedMs, completedMs: nowMs(), ...(cached ? { cached } : {}) };
      this.tell(error === undefined ? event : { ...event, error });
      this.file?.write(
        `#< ${name} ${error === undefined ? (cached ? "CACHED" : "done") : `error: ${error}`} ${Math.round(event.completedMs - startedMs)} ms\n`,
      );
    };
    try {
      const result = await work({ cached: () => (cached = true), log: (stream, text) => this.log(vertex, stream, text) });
      end();
      return result;
    } catch (error) {
      end(messageOf(error));
      if (error instanceof Error) this.told.add(error);
      throw error;
    }
  }

  /** Tells of a step that was the reason of a failure before it could begin. */
  async fail(vertex: Vertex, error: unknown): Promise<void> {
    if (!this.ended.has(vertex.id) && !this.isTold(error)) await this.run(vertex, () => Promise.reject(error)).catch(() => {}); // the caller has the error
  }

  private isTold(error: unknown): boolean {
    return error instanceof Error && (this.told.has(error) || this.isTold(error.cause));
  }

  /** A promise where the build's reader or its file is behind. */
  log(vertex: Vertex, stream: 1 | 2, text: string): Promise<void> | undefined {
    this.tell({ type: "log", vertex: vertex.id, stream, text, timeMs: nowMs() });
    this.file?.write(text);
    return this.o.room?.() ?? this.fileRoom?.();
  }

  transfer(vertex: Vertex, p: { id: string; current: number; total: number; done: boolean }): void {
    this.tell({ type: "progress", vertex: vertex.id, ...p });
  }

  warn(message: string, rule?: string, place?: { file: string; line: number }): void {
    this.tell({ type: "warning", message, ...(rule ? { rule, url: ruleUrl(rule) } : {}), ...(place ? { place } : {}) });
    this.file?.write(`#! ${place ? `${place.file}:${place.line}: ` : ""}${rule ? `${rule}: ` : ""}${message}\n`);
  }

  close(): Promise<void> {
    return new Promise((resolve) => (this.file ? this.file.end(resolve) : resolve()));
  }
}

export interface Vertex {
  readonly id: string;
  readonly name: string;
  readonly inputs: readonly string[];
}

/** With fractions: steps that follow each other at once keep their order. */
const nowMs = (): number => performance.timeOrigin + performance.now();

/** Where a build check is explained. */
export function ruleUrl(rule: string): string {
  return `https://docs.docker.com/go/dockerfile/rule/${rule.replace(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, "-").toLowerCase()}/`;
}
