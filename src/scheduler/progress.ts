import type { ProjectEvent, WireError } from "../api/index.ts";
import { BerthError, messageOf } from "../system/index.ts";

export type Tell = (event: ProjectEvent) => void;

/** What is told of a project's resources while they change, in Compose's words. */
export class Progress {
  readonly #tell: Tell;
  readonly #nowMs: () => number;

  constructor(tell: Tell, nowMs: () => number) {
    this.#tell = tell;
    this.#nowMs = nowMs;
  }

  /** Something has begun. */
  begin(id: string, status: string, because?: string): void {
    this.#tell({ type: "step", id, status, done: false, timeMs: this.#nowMs(), ...(because ? { because } : {}) });
  }
  done(id: string, status: string, because?: string): void {
    this.#tell({ type: "step", id, status, done: true, timeMs: this.#nowMs(), ...(because ? { because } : {}) });
  }
  detail(id: string, status: string, detail: string): void {
    this.#tell({ type: "step", id, status, done: false, detail, timeMs: this.#nowMs() });
  }
  failed(id: string, error: unknown): void {
    this.#tell({ type: "step", id, status: "error", done: true, detail: messageOf(error), error: wireError(error), timeMs: this.#nowMs() });
  }
  warn(message: string): void {
    this.#tell({ type: "warning", message });
  }
  tell(event: ProjectEvent): void {
    this.#tell(event);
  }

  /** Tells the beginning and the end of the work, or its error. */
  async around<T>(id: string, [begun, done]: readonly [string, string], work: () => Promise<T> | T): Promise<T> {
    this.begin(id, begun);
    try {
      const result = await work();
      this.done(id, done);
      return result;
    } catch (error) {
      this.failed(id, error);
      throw error;
    }
  }
}

export function wireError(error: unknown): WireError {
  if (!(error instanceof BerthError)) return { code: "system/internal", message: messageOf(error) };
  return {
    code: error.code,
    message: error.message,
    ...(error.place ? { place: error.place } : {}),
    ...(error.hint ? { hint: error.hint } : {}),
  };
}
