import type { Readable } from "node:stream";
import { BerthError } from "../../system/index.ts";
import { Arrivals } from "./arrival.ts";
import { SolveJob } from "./solve-job.ts";
import type { SolveRequest } from "./wire.ts";

/** How long a call waits for the Solve that it belongs to: a client sends both at the same time. */
const arrivalMs = 6_000;
/** Builds that ended and can still be asked for. */
const maxEnded = 50;

/** The builds of BuildKit clients: those that run, and the last ones that ended. */
export class SolveJobs {
  readonly #jobs = new Map<string, SolveJob>();
  readonly #listeners = new Set<(job: SolveJob) => void>();
  readonly #arrivals = new Arrivals();

  /** @throws BerthError api/conflict for a reference that is in use */
  add(request: SolveRequest, contextTar?: Readable): SolveJob {
    if (request.Ref === "") throw new BerthError("api/bad-parameter", "the build has no reference");
    if (this.#jobs.get(request.Ref)?.completedMs === undefined && this.#jobs.has(request.Ref))
      throw new BerthError("api/conflict", `job ID ${request.Ref} exists`);
    const job = new SolveJob(request, contextTar);
    this.#jobs.delete(job.ref);
    this.#jobs.set(job.ref, job);
    this.#arrivals.tell();
    this.#tell(job);
    return job;
  }

  ended(job: SolveJob): void {
    this.#tell(job);
    const ended = [...this.#jobs.values()].filter((candidate) => candidate.completedMs !== undefined);
    for (const old of ended.slice(0, Math.max(0, ended.length - maxEnded))) this.#jobs.delete(old.ref);
  }

  list(): readonly SolveJob[] {
    return [...this.#jobs.values()];
  }

  delete(ref: string): void {
    if (this.#jobs.get(ref)?.completedMs !== undefined) this.#jobs.delete(ref);
  }

  /** Waits for a build that is about to begin. @throws BerthError api/not-found */
  async get(ref: string, signal: AbortSignal): Promise<SolveJob> {
    const job = await this.#arrivals.wait(() => this.#jobs.get(ref), { signal, timeoutMs: arrivalMs });
    if (!job) throw new BerthError("api/not-found", `no such job ${ref}`);
    return job;
  }

  /** Calls back when a build begins and when it has ended; answers what stops that. */
  subscribe(listener: (job: SolveJob) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(job: SolveJob): void {
    for (const listener of [...this.#listeners]) listener(job);
  }
}
