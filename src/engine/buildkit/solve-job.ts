import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import type { Readable } from "node:stream";
import type { BuildEvent } from "../../api/index.ts";
import type { Solved } from "../../build/index.ts";
import type { GrpcStatus } from "./grpc-status.ts";
import type { Source } from "./solve-status.ts";
import { StatusEvents } from "./status-events.ts";
import type { GatewayResult, SolveRequest } from "./wire.ts";

/** Characters of output that are kept for a reader who is behind or comes later; of more the oldest is left out, and the reader is told. */
const maxOutput = { running: 32 * 1024 * 1024, ended: 256 * 1024 };

/** One Solve of a client: what it asked for, its progress, and the results that its gateway calls refer to. */
export class SolveJob {
  readonly ref: string;
  readonly request: SolveRequest;
  readonly contextTar: Readable | undefined;
  readonly createdMs = Date.now();
  readonly results = new Map<string, Solved>();
  readonly #events: StatusEvents;
  readonly #kept: { readonly response: object; readonly size: number }[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #gateway: Settled;
  readonly #working = new Set<Promise<unknown>>();
  readonly #temporary: string[] = [];
  #size = 0;
  #readers = 0;
  #dropped = 0;
  #source: Source | undefined;
  readonly steps = { total: new Set<string>(), completed: new Set<string>(), cached: new Set<string>(), warnings: 0 };
  /** Of the build itself: the client's own, or those of its gateway call. */
  frontendAttrs: Readonly<Record<string, string>>;
  completedMs: number | undefined;
  /** What it ended with, where that is an error. */
  failure: GrpcStatus | undefined;
  /** The step that failed, as Status names it. */
  failedStep: string | undefined;
  /** What it made, where it is a build. */
  built: Pick<Solved, "config" | "materials"> | undefined;
  response: Readonly<Record<string, string>> = {};

  constructor(request: SolveRequest, contextTar?: Readable) {
    this.contextTar = contextTar;
    this.ref = request.Ref;
    this.request = request;
    this.frontendAttrs = request.FrontendAttrs;
    this.#events = new StatusEvents({ build: request.Ref, source: () => this.#source });
    this.#gateway = promiseWithResolvers();
  }

  get source(): Source | undefined {
    return this.#source;
  }

  setSource(source: Source): void {
    this.#source = source;
  }

  tell(event: BuildEvent): void {
    if (event.type === "vertex") {
      this.steps.total.add(event.id);
      if (event.completedMs !== undefined) this.steps.completed.add(event.id);
      if (event.cached) this.steps.cached.add(event.id);
      if (event.error !== undefined) this.failedStep = this.#events.digest(event.id);
    }
    if (event.type === "warning") this.steps.warnings++;
    const response = this.#events.response(event);
    const size = 100 + (event.type === "log" ? event.text.length : 0);
    this.#kept.push({ response, size });
    this.#size += size;
    this.#trim(maxOutput.running);
    this.#wake();
  }

  #trim(limit: number): void {
    while (this.#size > limit) this.#drop();
  }

  #drop(): void {
    this.#size -= this.#kept.shift()?.size ?? this.#size;
    this.#dropped++;
  }

  /** Work of this build, whose progress belongs to it to the end. */
  async track<T>(work: Promise<T>): Promise<T> {
    this.#working.add(work);
    try {
      return await work;
    } finally {
      this.#working.delete(work);
    }
  }

  /** Waits until no work of this build is going on. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#working);
  }

  /** Remembers a result; its name is for this build's client. */
  addResult(solved: Solved): string {
    const id = randomBytes(16).toString("hex");
    this.results.set(id, solved);
    return id;
  }

  /** What the client's own part of the build ended with: told by its gateway call Return. */
  get returned(): Promise<GatewayResult> {
    return this.#gateway.promise;
  }

  resolveReturn(result: GatewayResult): void {
    this.#gateway.resolve(result);
  }

  rejectReturn(error: unknown): void {
    this.#gateway.reject(error);
  }

  /** A directory that is of use to this build alone. */
  removeAtEnd(directory: string): void {
    this.#temporary.push(directory);
  }

  end(error?: GrpcStatus): void {
    this.completedMs = Date.now();
    for (const directory of this.#temporary.splice(0)) rmSync(directory, { recursive: true, force: true });
    this.failure = error;
    this.#wake();
    if (this.#readers === 0) this.#trim(maxOutput.ended);
  }

  /** The messages of Status that are kept. */
  told(): readonly object[] {
    return this.#kept.map(({ response }) => response);
  }

  /** Everything so far, then what comes, until the build has ended. */
  async *status(signal: AbortSignal): AsyncGenerator<object> {
    let next = 0;
    this.#readers++;
    try {
      for (;;) {
        if (next < this.#dropped) {
          yield { warnings: [{ level: 1, short: Buffer.from(`${this.#dropped - next} messages of this build were left out`) }] };
          next = this.#dropped;
        }
        const kept = this.#kept[next - this.#dropped];
        if (kept) {
          next++;
          yield kept.response;
          // What the only reader has seen is there for those who come later, and they get the end of it.
          if (this.#readers === 1) while (this.#size > maxOutput.ended && this.#dropped < next) this.#drop();
        } else if (this.completedMs !== undefined || signal.aborted) return;
        else await this.#change(signal);
      }
    } finally {
      this.#readers--;
      if (this.completedMs !== undefined && this.#readers === 0) this.#trim(maxOutput.ended);
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#listeners.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#listeners.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  #wake(): void {
    for (const listener of this.#listeners) listener();
  }
}

interface Settled {
  readonly promise: Promise<GatewayResult>;
  resolve(result: GatewayResult): void;
  reject(error: unknown): void;
}

function promiseWithResolvers(): Settled {
  let resolve: (result: GatewayResult) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<GatewayResult>((yes, no) => {
    [resolve, reject] = [yes, no];
  });
  promise.catch(() => {}); // whoever waits for it gets the error
  return { promise, resolve, reject };
}
