import { createHash } from "node:crypto";
import { createWriteStream, type WriteStream } from "node:fs";
import type { BuildEvent } from "../api/index.ts";
import { messageOf } from "../system/index.ts";

/** The steps of one build as BuildKit's Status would tell them. Everything also goes to the build's log file, which is never clipped. */
export class Progress {
  private readonly tell: (event: BuildEvent) => void;
  private readonly file: WriteStream;
  readonly logFile: string;

  constructor(tell: (event: BuildEvent) => void, logFile: string) {
    this.tell = tell;
    this.logFile = logFile;
    this.file = createWriteStream(logFile, { mode: 0o600 });
  }

  /** Announces a step, so that a reader knows how many there are. */
  declare(name: string, inputs: readonly string[] = []): Vertex {
    const id = `sha256:${createHash("sha256").update(name).digest("hex")}`;
    this.tell({ type: "vertex", id, name, inputs: [...inputs] });
    return { id, name, inputs };
  }

  /** Runs one step and tells its start, its end and its error. */
  async run<T>(vertex: Vertex, work: (step: { cached: () => void; log: (stream: 1 | 2, text: string) => void }) => Promise<T>): Promise<T> {
    const { id, name } = vertex;
    const inputs = [...vertex.inputs];
    const startedMs = Date.now();
    let cached = false;
    this.tell({ type: "vertex", id, name, inputs, startedMs });
    this.file.write(`#> ${name}\n`);
    const end = (error?: string) => {
      const event = { type: "vertex" as const, id, name, inputs, startedMs, completedMs: Date.now(), ...(cached ? { cached } : {}) };
      this.tell(error === undefined ? event : { ...event, error });
      this.file.write(
        `#< ${name} ${error === undefined ? (cached ? "CACHED" : "done") : `error: ${error}`} ${event.completedMs - startedMs} ms\n`,
      );
    };
    try {
      const result = await work({ cached: () => (cached = true), log: (stream, text) => this.log(vertex, stream, text) });
      end();
      return result;
    } catch (error) {
      end(messageOf(error));
      throw error;
    }
  }

  log(vertex: Vertex, stream: 1 | 2, text: string): void {
    this.tell({ type: "log", vertex: vertex.id, stream, text, timeMs: Date.now() });
    this.file.write(text);
  }

  transfer(vertex: Vertex, p: { id: string; current: number; total: number; done: boolean }): void {
    this.tell({ type: "progress", vertex: vertex.id, ...p });
  }

  warn(message: string, rule?: string, place?: { file: string; line: number }): void {
    const url = rule && { url: `https://docs.docker.com/go/dockerfile/rule/${kebab(rule)}/` };
    this.tell({ type: "warning", message, ...(rule ? { rule } : {}), ...(place ? { place } : {}), ...(url || {}) });
    this.file.write(`#! ${place ? `${place.file}:${place.line}: ` : ""}${rule ? `${rule}: ` : ""}${message}\n`);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.file.end(resolve));
  }
}

export interface Vertex {
  readonly id: string;
  readonly name: string;
  readonly inputs: readonly string[];
}

const kebab = (rule: string): string => rule.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
